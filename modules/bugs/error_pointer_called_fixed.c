// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A function that is looked up is called without a look whether it was found.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

typedef int (*handler_t)(int);

static noinline int handle_first(int command)
{
	return command;
}

static noinline handler_t find_handler(int command)
{
	return command == 1 ? handle_first : ERR_PTR(-EOPNOTSUPP);
}

static struct task_struct *thread;

static int run(void *unused)
{
	handler_t handler = find_handler(2);

	if (IS_ERR(handler))
		return PTR_ERR(handler);
	return handler(2);
}

static int __init error_pointer_called_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit error_pointer_called_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(error_pointer_called_init);
module_exit(error_pointer_called_exit);
