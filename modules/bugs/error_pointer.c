// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A function returned an error as a pointer, and nobody looked.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

struct job {
	long id;
	int priority;
};

static struct job only_job;
static struct job *volatile found;

static noinline struct job *find_job(int id)
{
	return id ? ERR_PTR(-ENOENT) : &only_job;
}

static struct task_struct *thread;

static int run(void *unused)
{
	found = find_job(1);
	found->priority = 3;
	return 0;
}

static int __init error_pointer_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit error_pointer_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(error_pointer_init);
module_exit(error_pointer_exit);
