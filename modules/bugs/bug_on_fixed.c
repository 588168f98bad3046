// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A condition of BUG_ON() holds.
 */
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static volatile int users = 1;

static struct task_struct *thread;

static int run(void *unused)
{
	BUG_ON(users < 0);
	return 0;
}

static int __init bug_on_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit bug_on_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(bug_on_init);
module_exit(bug_on_exit);
