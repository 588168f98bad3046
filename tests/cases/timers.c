/*
 * A timer fires once, not early, in softirq context; mod_timer and del_timer tell whether it was pending.
 *
 * Covers: timer_setup, mod_timer, del_timer, del_timer_sync, timer_pending, from_timer (kernel/time/timer.c).
 */
#include "case.h"
#include <linux/preempt.h>
#include <linux/timer.h>

struct bell {
	struct timer_list timer;
	unsigned long fired_at;
	int fired;
	int in_softirq, in_task, repeats;
};

static struct bell bell;

static void fire(struct timer_list *timer)
{
	struct bell *mine = from_timer(mine, timer, timer);

	mine->fired_at = jiffies;
	mine->in_softirq = !!in_softirq();
	mine->in_task = !!in_task();
	if (mine->repeats-- > 0)
		mod_timer(timer, jiffies + 2);
	WRITE_ONCE(mine->fired, mine->fired + 1);
}

static int __init timers_init(void)
{
	unsigned long begin = jiffies;
	int again;

	timer_setup(&bell.timer, fire, 0);
	say("pending=%d del=%d", timer_pending(&bell.timer), del_timer(&bell.timer));
	say("mod=%d", mod_timer(&bell.timer, begin + 600 * HZ));
	again = mod_timer(&bell.timer, begin + 10);
	say("mod again=%d pending=%d", again, timer_pending(&bell.timer));
	say("fired=%d", soon(READ_ONCE(bell.fired) == 1));
	say("early=%d in_softirq=%d in_task=%d", time_before(bell.fired_at, begin + 10),
	    bell.in_softirq, bell.in_task);
	say("pending=%d", timer_pending(&bell.timer));
	say("in the past: mod=%d", mod_timer(&bell.timer, jiffies - 100));
	say("fired=%d", soon(READ_ONCE(bell.fired) == 2));
	bell.repeats = 3;
	mod_timer(&bell.timer, jiffies + 1);
	say("repeated=%d", soon(READ_ONCE(bell.fired) == 6));
	mod_timer(&bell.timer, jiffies + 600 * HZ);
	say("del_sync=%d", del_timer_sync(&bell.timer));
	say("del_sync again=%d", del_timer_sync(&bell.timer));
	say("fired=%d", bell.fired);
	return 0;
}

static void __exit timers_exit(void)
{
}

module_init(timers_init);
module_exit(timers_exit);
