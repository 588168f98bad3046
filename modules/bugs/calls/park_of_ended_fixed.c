// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread is to park that has ended.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct task_struct *thread;

static int run(void *unused)
{
	return 0;
}

static int __init park_of_ended_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	msleep(100);
	put_task_struct(thread);
	return 0;
}

static void __exit park_of_ended_exit(void)
{
}

module_init(park_of_ended_init);
module_exit(park_of_ended_exit);
