// SPDX-License-Identifier: MIT OR Apache-2.0
/* A thread that waits for what never comes, and says what it sees when it is stopped. */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

MODULE_LICENSE("Dual MIT/GPL");

static DECLARE_WAIT_QUEUE_HEAD(queue);
static struct task_struct *task;

static int wait_for_nothing(void *unused)
{
	int result;

	pr_info("stop: before: should_stop %d, signal_pending %d\n", kthread_should_stop(),
		!!signal_pending(current));
	result = wait_event_interruptible(queue, false);
	pr_info("stop: the wait returned %d\n", result);
	pr_info("stop: after: should_stop %d, signal_pending %d\n", kthread_should_stop(),
		!!signal_pending(current));
	pr_info("stop: signal that was sent: %d\n", kernel_dequeue_signal());
	return 0;
}

static int __init stop_init(void)
{
	task = kthread_run(wait_for_nothing, NULL, "waiter");
	return PTR_ERR_OR_ZERO(task);
}

static void __exit stop_exit(void)
{
	kthread_stop(task);
}

module_init(stop_init);
module_exit(stop_exit);
