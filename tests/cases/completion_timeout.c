/*
 * wait_for_completion_timeout returns 0 when time is up, not early, and at least 1 when it was completed;
 * complete() may be called by a timer and under a spinlock.
 *
 * Covers: wait_for_completion_timeout (kernel/sched/completion.c:do_wait_for_common), complete from a timer.
 */
#include "case.h"
#include <linux/spinlock.h>
#include <linux/timer.h>

static DECLARE_COMPLETION(done);
static DEFINE_SPINLOCK(lock);

static void complete_it(struct timer_list *unused)
{
	complete(&done);
}

static DEFINE_TIMER(timer, complete_it);

static int __init completion_timeout_init(void)
{
	unsigned long begin = jiffies, left, flags;

	left = wait_for_completion_timeout(&done, 10);
	say("up: left=%lu early=%d", left, time_before(jiffies, begin + 10));
	begin = jiffies;
	mod_timer(&timer, begin + HZ / 2);
	left = wait_for_completion_timeout(&done, 600 * HZ);
	say("by timer: in_range=%d early=%d", left >= 1 && left < 600 * HZ,
	    time_before(jiffies, begin + HZ / 2));
	spin_lock_irqsave(&lock, flags);
	complete(&done);
	spin_unlock_irqrestore(&lock, flags);
	say("under a lock: left=%lu", wait_for_completion_timeout(&done, 30));
	del_timer_sync(&timer);
	return 0;
}

static void __exit completion_timeout_exit(void)
{
}

module_init(completion_timeout_init);
module_exit(completion_timeout_exit);
