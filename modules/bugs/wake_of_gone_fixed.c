// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread is woken that has ended.
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
	return 0;
}

static int __init wake_of_gone_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	/* Before it can run: it may end at once. */
	get_task_struct(thread);
	wake_up_process(thread);
	msleep(100);
	wake_up_process(thread);
	put_task_struct(thread);
	return 0;
}

static void __exit wake_of_gone_exit(void)
{
}

module_init(wake_of_gone_init);
module_exit(wake_of_gone_exit);
