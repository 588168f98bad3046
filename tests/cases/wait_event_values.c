/*
 * The wait_event family looks at its condition first, and at nothing else when it holds. The timeout forms
 * return what was left, at least 1, or 0 when time was up and the condition still false.
 *
 * Covers: wait_event, wait_event_timeout, wait_event_interruptible_timeout (include/linux/wait.h:
 * ___wait_cond_timeout), the number of times a condition is evaluated.
 */
#include "case.h"
#include <linux/timer.h>

static DECLARE_WAIT_QUEUE_HEAD(queue);
static int looks;
static bool open;

static bool look(bool answer)
{
	looks++;
	return answer;
}

static void open_it(struct timer_list *unused)
{
	WRITE_ONCE(open, true);
	wake_up(&queue);
}

static DEFINE_TIMER(timer, open_it);

static int __init wait_event_values_init(void)
{
	unsigned long switches = current->nvcsw, begin;
	long left;

	wait_event(queue, look(true));
	say("true: looks=%d slept=%d", looks, current->nvcsw != switches);
	say("true, 0: %ld", wait_event_timeout(queue, true, 0));
	say("true, 1: %ld", wait_event_timeout(queue, true, 1));
	say("true, 50: %ld", wait_event_timeout(queue, true, 50));
	say("interruptible, true, 50: %ld", wait_event_interruptible_timeout(queue, true, 50));
	say("false, 0: %ld", wait_event_timeout(queue, false, 0));
	begin = jiffies;
	say("false, 5: %ld", wait_event_timeout(queue, false, 5));
	say("early=%d", time_before(jiffies, begin + 5));
	looks = 0;
	left = wait_event_timeout(queue, look(looks >= 2), 3);
	say("true at the end: %ld looks=%d", left, looks);
	mod_timer(&timer, jiffies + HZ / 2);
	left = wait_event_timeout(queue, READ_ONCE(open), 600 * HZ);
	say("woken: in_range=%d", left >= 1 && left < 600 * HZ);
	del_timer_sync(&timer);
	return 0;
}

static void __exit wait_event_values_exit(void)
{
}

module_init(wait_event_values_init);
module_exit(wait_event_values_exit);
