// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread allocates memory that may sleep while it holds a spin lock.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_SPINLOCK(cache_lock);

static struct task_struct *thread;

static int run(void *unused)
{
	void *memory;

	spin_lock(&cache_lock);
	memory = kmalloc(64, GFP_ATOMIC);
	spin_unlock(&cache_lock);
	kfree(memory);
	return 0;
}

static int __init sleep_in_atomic_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit sleep_in_atomic_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(sleep_in_atomic_init);
module_exit(sleep_in_atomic_exit);
