// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A constant is written through a pointer that has lost its const.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static int limit = 10;

static struct task_struct *thread;

static int run(void *unused)
{
	int *volatile to = (int *)&limit;

	*to = 20;
	return 0;
}

static int __init constant_written_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit constant_written_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(constant_written_init);
module_exit(constant_written_exit);
