// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread that kill -9 ends, and rmmod too, whichever comes first.
 *
 * What makes it right:
 *  - Kernel threads ignore every signal; allow_signal() makes one of them an event. It ends nothing
 *    by itself: the thread sees it pending, takes it and returns.
 *  - signal_pending() is also true after kthread_stop(), with no signal there. To know which it
 *    was, the thread takes the signal with kernel_dequeue_signal().
 *  - A thread that returns before kthread_stop() is called takes its task_struct with it, and the
 *    call would read freed memory. So the module holds a reference from before the first wake-up.
 *    Then kthread_stop() is right before and after the thread's end, and a flag "it has ended" (that
 *    could change between the test and the call) is not needed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("a kernel thread that kill -9 ends");

static unsigned int interval_ms = 5000;
module_param(interval_ms, uint, 0444);
MODULE_PARM_DESC(interval_ms, "time between two beats");

static struct task_struct *heart;

static bool was_killed(void)
{
	return signal_pending(current) && kernel_dequeue_signal() == SIGKILL;
}

/* Returns how often it beat, or -EINTR when it was killed. */
static int beat(void *unused)
{
	int beats = 0;

	allow_signal(SIGKILL);
	while (!kthread_should_stop()) {
		if (was_killed()) {
			pr_info("killed after %d beats\n", beats);
			return -EINTR;
		}
		pr_info("beat %d\n", ++beats);
		/* A signal and kthread_stop() both end this sleep early. */
		schedule_timeout_interruptible(msecs_to_jiffies(interval_ms));
	}
	pr_info("stopped after %d beats\n", beats);
	return beats;
}

static int __init killable_init(void)
{
	heart = kthread_create(beat, NULL, "heart");
	if (IS_ERR(heart))
		return PTR_ERR(heart);
	get_task_struct(heart);
	wake_up_process(heart);
	return 0;
}

static void __exit killable_exit(void)
{
	int result = kthread_stop(heart);

	put_task_struct(heart);
	pr_info("the thread returned %d\n", result);
}

module_init(killable_init);
module_exit(killable_exit);
