// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * WRONG ON PURPOSE: a failure of kthread_create() is looked for as NULL. It is an error number in
 * the shape of a pointer, and the next line uses it.
 */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct task_struct *task;

static int until_stopped(void *unused)
{
	while (!kthread_should_stop())
		schedule_timeout_interruptible(MAX_SCHEDULE_TIMEOUT);
	return 0;
}

static int __init is_null_init(void)
{
	task = kthread_create(until_stopped, NULL, "sleeper");
	pr_info("is_null: !task is %d, IS_ERR(task) is %d, %%pe says %pe\n", !task, IS_ERR(task),
		task);
	if (!task)
		return -ENOMEM;
	wake_up_process(task);
	return 0;
}

static void __exit is_null_exit(void)
{
	kthread_stop(task);
}

module_init(is_null_init);
module_exit(is_null_exit);
