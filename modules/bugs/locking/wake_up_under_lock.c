// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A wake-up under a lock calls a wake function that takes the same kind of lock
 * under that of the queue.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_SPINLOCK(stats_lock);
static DECLARE_WAIT_QUEUE_HEAD(ready);
static int events;
static int calls;

static int count_call(struct wait_queue_entry *entry, unsigned int mode, int flags, void *key)
{
	spin_lock(&stats_lock);
	calls++;
	spin_unlock(&stats_lock);
	return 0;
}

static struct wait_queue_entry counter;

static noinline void tell(void)
{
	unsigned long flags;

	spin_lock_irqsave(&stats_lock, flags);
	events++;
	spin_unlock_irqrestore(&stats_lock, flags);
	wake_up(&ready);
}

static noinline void tell_under_lock(void)
{
	spin_lock_irq(&stats_lock);
	events++;
	wake_up(&ready);
	spin_unlock_irq(&stats_lock);
}

static int __init wake_up_under_lock_init(void)
{
	init_waitqueue_func_entry(&counter, count_call);
	add_wait_queue(&ready, &counter);
	tell();
	remove_wait_queue(&ready, &counter);
	tell_under_lock();
	return 0;
}

static void __exit wake_up_under_lock_exit(void)
{
}

module_init(wake_up_under_lock_init);
module_exit(wake_up_under_lock_exit);
