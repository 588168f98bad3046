// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The result of kthread_create is used untested: found when it fails.
 */
#include <linux/kthread.h>
#include <linux/module.h>

static struct task_struct *thread;

static int work(void *unused)
{
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init unchecked_thread_init(void)
{
	thread = kthread_create(work, NULL, "worker");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit unchecked_thread_exit(void)
{
	kthread_stop(thread);
}

module_init(unchecked_thread_init);
module_exit(unchecked_thread_exit);
MODULE_LICENSE("GPL");
