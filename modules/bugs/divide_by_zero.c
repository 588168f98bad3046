// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A number is divided by one that nobody has set.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static volatile int count;

static struct task_struct *thread;

static int run(void *unused)
{
	return 100 / count;
}

static int __init divide_by_zero_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit divide_by_zero_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(divide_by_zero_init);
module_exit(divide_by_zero_exit);
