// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The module goes and its thread stays.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct task_struct *thread;

static int run(void *unused)
{
	while (!kthread_should_stop())
		msleep_interruptible(1000);
	return 0;
}

static int __init thread_left_init(void)
{
	thread = kthread_run(run, NULL, "runner");
	return PTR_ERR_OR_ZERO(thread);
}

static void __exit thread_left_exit(void)
{
	kthread_stop(thread);
}

module_init(thread_left_init);
module_exit(thread_left_exit);
