// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread ends without freeing its mutex.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_MUTEX(log_lock);

static struct task_struct *thread;

static int run(void *unused)
{
	mutex_lock(&log_lock);
	pr_info("logged\n");
	mutex_unlock(&log_lock);
	return 0;
}

static int __init mutex_left_locked_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit mutex_left_locked_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(mutex_left_locked_init);
module_exit(mutex_left_locked_exit);
