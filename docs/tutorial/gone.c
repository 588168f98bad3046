// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * WRONG ON PURPOSE: the thread may end by itself, and the module stops it all the same without
 * holding a reference to it.
 */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct task_struct *task;

static int brief(void *unused)
{
	pr_info("gone: the thread ends by itself\n");
	return 7;
}

static int __init gone_init(void)
{
	task = kthread_run(brief, NULL, "brief");
	return PTR_ERR_OR_ZERO(task);
}

static void __exit gone_exit(void)
{
	/* IS_ERR(task) would be no help: the pointer is what it was, only the task is not. */
	pr_info("gone: the thread returned %d\n", kthread_stop(task));
}

module_init(gone_init);
module_exit(gone_exit);
