// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A member of a structure is read through a pointer that nobody has set.
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

static struct job *volatile next_job;
static struct task_struct *thread;

static noinline int priority_of(struct job *job)
{
	barrier();
	return job->priority;
}

static int run(void *unused)
{
	pr_info("priority %d\n", priority_of(next_job));
	return 0;
}

static int __init null_pointer_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit null_pointer_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(null_pointer_init);
module_exit(null_pointer_exit);
