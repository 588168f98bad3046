// SPDX-License-Identifier: MIT OR Apache-2.0
/* Timers that arm themselves and each other, and complete what a thread waits for. */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/timer.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct timer_list first, second;
static DECLARE_COMPLETION(tick);
static struct task_struct *thread;
static bool going;	/* no timer arms one any more */

static void first_due(struct timer_list *timer)
{
	complete(&tick);
	if (READ_ONCE(going))
		return;
	mod_timer(&first, jiffies + 1);
	mod_timer(&second, jiffies + 2);
}

static void second_due(struct timer_list *timer)
{
	complete(&tick);
}

static int wait_for_ticks(void *unused)
{
	int ticks = 0;

	while (!kthread_should_stop()) {
		if (wait_for_completion_timeout(&tick, 2))
			ticks++;
		mod_timer_pending(&second, jiffies + 1);
	}
	return ticks;
}

static int __init soak_timer_init(void)
{
	timer_setup(&first, first_due, 0);
	timer_setup(&second, second_due, TIMER_IRQSAFE);
	thread = kthread_run(wait_for_ticks, NULL, "soak_timer");
	if (IS_ERR(thread))
		return -EAGAIN;
	mod_timer(&first, jiffies + 1);
	return 0;
}

static void __exit soak_timer_exit(void)
{
	WRITE_ONCE(going, true);
	del_timer_sync(&first);
	kthread_stop(thread);
	del_timer_sync(&second);
	del_timer_sync(&first);
}

module_init(soak_timer_init);
module_exit(soak_timer_exit);
