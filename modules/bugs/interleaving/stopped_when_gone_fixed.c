// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread that ends by itself when it is through is stopped if it is not: it may have ended since.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

static struct task_struct *thread;
static int is_through;

static int work(void *unused)
{
	schedule_timeout_interruptible(3 * HZ);
	WRITE_ONCE(is_through, 1);
	return 0;
}

static int __init stopped_when_gone_init(void)
{
	thread = kthread_create(work, NULL, "worker");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit stopped_when_gone_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(stopped_when_gone_init);
module_exit(stopped_when_gone_exit);
MODULE_LICENSE("GPL");
