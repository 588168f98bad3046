// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A timer's function takes a lock that a thread holds where the timer may interrupt it.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static struct task_struct *thread;
static DEFINE_SPINLOCK(lock);
static int count;

static void tick(struct timer_list *unused)
{
	spin_lock(&lock);
	count++;
	spin_unlock(&lock);
}

static DEFINE_TIMER(timer, tick);

static int work(void *unused)
{
	while (!kthread_should_stop()) {
		spin_lock_bh(&lock);
		count++;
		spin_unlock_bh(&lock);
		schedule_timeout_interruptible(1);
	}
	return 0;
}

static int __init timer_lock_met_init(void)
{
	thread = kthread_run(work, NULL, "worker");
	mod_timer(&timer, jiffies + 1);
	return PTR_ERR_OR_ZERO(thread);
}

static void __exit timer_lock_met_exit(void)
{
	kthread_stop(thread);
	del_timer_sync(&timer);
}

module_init(timer_lock_met_init);
module_exit(timer_lock_met_exit);
MODULE_LICENSE("GPL");
