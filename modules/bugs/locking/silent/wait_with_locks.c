// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Right: waits, wake-ups and flushes with locks held that nobody needs to end them.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_MUTEX(user_lock);
static DEFINE_SPINLOCK(state_lock);
static DECLARE_WAIT_QUEUE_HEAD(ready);
static struct kthread_worker *worker;
static bool is_ready;

static void make_ready(struct kthread_work *work)
{
	spin_lock_irq(&state_lock);
	WRITE_ONCE(is_ready, true);
	wake_up(&ready);
	spin_unlock_irq(&state_lock);
}

static DEFINE_KTHREAD_WORK(work, make_ready);

static int __init wait_with_locks_init(void)
{
	DECLARE_WAIT_QUEUE_HEAD_ONSTACK(never);

	worker = kthread_create_worker(0, "worker");
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	mutex_lock(&user_lock);
	kthread_queue_work(worker, &work);
	wait_event(ready, READ_ONCE(is_ready));
	kthread_flush_work(&work);
	kthread_cancel_work_sync(&work);
	wait_event_timeout(never, false, 1);
	mutex_unlock(&user_lock);
	spin_lock_irq(&ready.lock);
	wake_up_locked(&ready);
	spin_unlock_irq(&ready.lock);
	return 0;
}

static void __exit wait_with_locks_exit(void)
{
	kthread_destroy_worker(worker);
}

module_init(wait_with_locks_init);
module_exit(wait_with_locks_exit);
