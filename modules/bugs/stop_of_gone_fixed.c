// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread is stopped that has ended by itself.
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
	msleep(10);
	return 7;
}

static int __init stop_of_gone_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	/* Before it can run: it ends soon. */
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit stop_of_gone_exit(void)
{
	pr_info("the thread returned %d\n", kthread_stop(thread));
	put_task_struct(thread);
}

module_init(stop_of_gone_init);
module_exit(stop_of_gone_exit);
