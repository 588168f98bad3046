// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread is parked that is parked already.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct task_struct *thread;

static int run(void *unused)
{
	while (!kthread_should_stop()) {
		if (kthread_should_park())
			kthread_parkme();
		msleep_interruptible(100);
	}
	return 0;
}

static int __init park_twice_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	kthread_park(thread);
	kthread_park(thread);
	kthread_unpark(thread);
	return 0;
}

static void __exit park_twice_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(park_twice_init);
module_exit(park_twice_exit);
