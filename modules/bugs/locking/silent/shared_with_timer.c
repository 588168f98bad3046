// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Right: a lock that a timer's function takes, held elsewhere with interrupts or
 * softirqs off; and a timer that is waited for without it.
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
static DEFINE_SPINLOCK(name_lock);
static struct task_struct *thread;
static int count;

static void tick(struct timer_list *timer)
{
	unsigned long flags;

	spin_lock_irqsave(&count_lock, flags);
	spin_lock(&name_lock);
	count++;
	spin_unlock(&name_lock);
	spin_unlock_irqrestore(&count_lock, flags);
	mod_timer(timer, jiffies + HZ / 10);
}

static DEFINE_TIMER(timer, tick);

static int run(void *unused)
{
	unsigned long flags;

	while (!kthread_should_stop()) {
		spin_lock_irqsave(&count_lock, flags);
		spin_lock(&name_lock);
		count = 0;
		spin_unlock(&name_lock);
		spin_unlock_irqrestore(&count_lock, flags);
		spin_lock_bh(&count_lock);
		/* Not the form that waits. */
		del_timer(&timer);
		spin_unlock_bh(&count_lock);
		del_timer_sync(&timer);
		mod_timer(&timer, jiffies + HZ / 20);
		local_bh_disable();
		spin_lock(&count_lock);
		spin_unlock(&count_lock);
		local_bh_enable();
		schedule_timeout_interruptible(HZ / 10);
	}
	return 0;
}

static int __init shared_with_timer_init(void)
{
	thread = kthread_run(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	mod_timer(&timer, jiffies + HZ);
	return 0;
}

static void __exit shared_with_timer_exit(void)
{
	kthread_stop(thread);
	del_timer_sync(&timer);
}

module_init(shared_with_timer_init);
module_exit(shared_with_timer_exit);
