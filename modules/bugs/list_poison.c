// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * An entry is taken out of its list while the list is walked, and then followed.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static LIST_HEAD(jobs);
static struct job {
	struct list_head entry;
	int id;
} first, second;

static struct task_struct *thread;

static int run(void *unused)
{
	struct job *job, *next;

	list_add(&first.entry, &jobs);
	list_add(&second.entry, &jobs);
	(void)next;
	list_for_each_entry(job, &jobs, entry)
		list_del(&job->entry);
	return 0;
}

static int __init list_poison_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit list_poison_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(list_poison_init);
module_exit(list_poison_exit);
