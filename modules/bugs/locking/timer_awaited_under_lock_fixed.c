// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A timer is waited for under the lock that its function takes.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_SPINLOCK(count_lock);
static struct task_struct *thread;
static int count;

static void tick(struct timer_list *unused)
{
	spin_lock(&count_lock);
	count++;
	spin_unlock(&count_lock);
}

static DEFINE_TIMER(timer, tick);

static int run(void *unused)
{
	schedule_timeout_interruptible(2 * HZ);
	del_timer_sync(&timer);
	spin_lock_bh(&count_lock);
	count = 0;
	spin_unlock_bh(&count_lock);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init timer_awaited_under_lock_init(void)
{
	thread = kthread_run(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	mod_timer(&timer, jiffies + HZ);
	return 0;
}

static void __exit timer_awaited_under_lock_exit(void)
{
	del_timer_sync(&timer);
	kthread_stop(thread);
}

module_init(timer_awaited_under_lock_init);
module_exit(timer_awaited_under_lock_exit);
