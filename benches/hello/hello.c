// SPDX-License-Identifier: MIT OR GPL-2.0
/* A thread that says that it is there: how long does that take from a source file? */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct task_struct *task;

static int greet(void *unused)
{
	pr_info("hello from a thread\n");
	while (!kthread_should_stop())
		schedule_timeout_interruptible(MAX_SCHEDULE_TIMEOUT);
	return 0;
}

static int __init hello_init(void)
{
	task = kthread_run(greet, NULL, "greeter");
	return PTR_ERR_OR_ZERO(task);
}

static void __exit hello_exit(void)
{
	kthread_stop(task);
}

module_init(hello_init);
module_exit(hello_exit);
