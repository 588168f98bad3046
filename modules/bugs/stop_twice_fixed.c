// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread is stopped twice.
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
	while (!kthread_should_stop())
		msleep_interruptible(1000);
	return 0;
}

static noinline void stop(void)
{
	if (!thread)
		return;
	kthread_stop(thread);
	put_task_struct(thread);
	thread = NULL;
}

static int __init stop_twice_init(void)
{
	thread = kthread_run(run, NULL, "runner");
	get_task_struct(thread);
	return 0;
}

static void __exit stop_twice_exit(void)
{
	stop();
	stop();
}

module_init(stop_twice_init);
module_exit(stop_twice_exit);
