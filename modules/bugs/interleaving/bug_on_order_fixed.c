// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The reader relies on the writer having been first.
 */
#include <linux/kthread.h>
#include <linux/module.h>

static struct task_struct *reader;
static int *place;
static int number = 1;

static int look(void *unused)
{
	BUG_ON(!smp_load_acquire(&place));
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init bug_on_order_init(void)
{
	reader = kthread_create(look, NULL, "reader");
	if (IS_ERR(reader))
		return PTR_ERR(reader);
	smp_store_release(&place, &number);
	wake_up_process(reader);
	return 0;
}

static void __exit bug_on_order_exit(void)
{
	kthread_stop(reader);
}

module_init(bug_on_order_init);
module_exit(bug_on_order_exit);
MODULE_LICENSE("GPL");
