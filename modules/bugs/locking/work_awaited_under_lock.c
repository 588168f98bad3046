// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A work is waited for under the mutex that its function takes.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_MUTEX(config_lock);
static struct kthread_worker *worker;
static int applied;

static void apply(struct kthread_work *unused)
{
	mutex_lock(&config_lock);
	applied++;
	mutex_unlock(&config_lock);
}

static DEFINE_KTHREAD_WORK(work, apply);

static int __init work_awaited_under_lock_init(void)
{
	worker = kthread_create_worker(0, "worker");
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	kthread_queue_work(worker, &work);
	msleep(100);
	mutex_lock(&config_lock);
	kthread_flush_work(&work);
	mutex_unlock(&config_lock);
	return 0;
}

static void __exit work_awaited_under_lock_exit(void)
{
	kthread_destroy_worker(worker);
}

module_init(work_awaited_under_lock_init);
module_exit(work_awaited_under_lock_exit);
