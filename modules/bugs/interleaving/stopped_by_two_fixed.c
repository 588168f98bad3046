// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A manager and the exit function both stop the worker, if it is there: both may see that it is.
 */
#include <linux/kthread.h>
#include <linux/module.h>

static struct task_struct *worker, *manager;

static int work(void *unused)
{
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static void stop_worker(void)
{
	struct task_struct *task = xchg(&worker, NULL);

	if (task)
		kthread_stop(task);
}

static int manage(void *unused)
{
	stop_worker();
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init stopped_by_two_init(void)
{
	worker = kthread_run(work, NULL, "worker");
	manager = kthread_run(manage, NULL, "manager");
	return 0;
}

static void __exit stopped_by_two_exit(void)
{
	stop_worker();
	kthread_stop(manager);
}

module_init(stopped_by_two_init);
module_exit(stopped_by_two_exit);
MODULE_LICENSE("GPL");
