// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread dies of a bug while it holds a mutex and a spin lock; another waits for the mutex.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/task.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_MUTEX(table_lock);
static DEFINE_SPINLOCK(count_lock);
static int real_count;
static int *volatile count;

static struct task_struct *thread;

static int run(void *unused)
{
	mutex_lock(&table_lock);
	spin_lock(&count_lock);
	*count = ++real_count;
	spin_unlock(&count_lock);
	mutex_unlock(&table_lock);
	return 0;
}

static int __init dies_with_locks_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit dies_with_locks_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(dies_with_locks_init);
module_exit(dies_with_locks_exit);
