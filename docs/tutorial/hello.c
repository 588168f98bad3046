// SPDX-License-Identifier: MIT OR Apache-2.0
/* A thread that says who it is, then waits for its end. */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct task_struct *task;

static int greet(void *unused)
{
	pr_info("hello: %s, pid %d, child of %s, pid %d\n", current->comm, current->pid,
		current->real_parent->comm, current->real_parent->pid);
	pr_info("hello: mm is %s, active_mm is %s\n", current->mm ? "set" : "NULL",
		current->active_mm ? "set" : "NULL");
	while (!kthread_should_stop())
		schedule_timeout_interruptible(MAX_SCHEDULE_TIMEOUT);
	return 42;
}

static int __init hello_init(void)
{
	pr_info("hello: init runs in %s, mm is %s\n", current->comm, current->mm ? "set" : "NULL");
	task = kthread_create(greet, NULL, "greeter with a long name");
	if (IS_ERR(task))
		return PTR_ERR(task);
	pr_info("hello: made, not yet running\n");
	wake_up_process(task);
	return 0;
}

static void __exit hello_exit(void)
{
	pr_info("hello: the thread returned %d\n", kthread_stop(task));
}

module_init(hello_init);
module_exit(hello_exit);
