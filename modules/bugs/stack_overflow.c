// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A function calls itself without end.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static volatile int depth_limit = 10;

static struct task_struct *thread;

static noinline int walk(int depth)
{
	volatile char buffer[200];

	buffer[0] = depth;
	if (depth < 0)
		return 0;
	return walk(depth + 1) + buffer[0];
}

static int run(void *unused)
{
	return walk(0);
}

static int __init stack_overflow_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit stack_overflow_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(stack_overflow_init);
module_exit(stack_overflow_exit);
