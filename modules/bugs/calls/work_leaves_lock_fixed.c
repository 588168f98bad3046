// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A work returns with a spin lock held.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct kthread_worker *worker;
static struct kthread_work work;
static DEFINE_SPINLOCK(count_lock);
static int count;

static void do_work(struct kthread_work *unused)
{
	spin_lock(&count_lock);
	count++;
	spin_unlock(&count_lock);
}

static int __init work_leaves_lock_init(void)
{
	worker = kthread_create_worker(0, "worker");
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	kthread_init_work(&work, do_work);
	kthread_queue_work(worker, &work);
	return 0;
}

static void __exit work_leaves_lock_exit(void)
{
	kthread_destroy_worker(worker);
}

module_init(work_leaves_lock_init);
module_exit(work_leaves_lock_exit);
