// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread follows a pointer that stands in memory which has been freed.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

struct item {
	struct item *next;
	int value;
};

static struct task_struct *reader;
static struct item *first;

static int read_items(void *data)
{
	struct item *item;
	int sum = 0;

	for (item = first; item; item = item->next)
		sum += item->value;
	pr_info("the sum is %d\n", sum);
	while (!kthread_should_stop())
		msleep_interruptible(1000);
	return 0;
}

static int __init use_after_free_init(void)
{
	first = kzalloc(sizeof(*first), GFP_KERNEL);
	if (!first)
		return -ENOMEM;
	reader = kthread_run(read_items, NULL, "reader");
	if (IS_ERR(reader))
		return PTR_ERR(reader);
	get_task_struct(reader);
	return 0;
}

static void __exit use_after_free_exit(void)
{
	kthread_stop(reader);
	put_task_struct(reader);
	kfree(first);
}

module_init(use_after_free_init);
module_exit(use_after_free_exit);
