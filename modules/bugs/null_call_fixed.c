// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A function pointer is called that nobody has set.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static int start(void)
{
	return 1;
}

static int (*volatile callback)(void) = start;

static struct task_struct *thread;

static int run(void *unused)
{
	int result = callback ? callback() : start();

	return result - 1;
}

static int __init null_call_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit null_call_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(null_call_init);
module_exit(null_call_exit);
