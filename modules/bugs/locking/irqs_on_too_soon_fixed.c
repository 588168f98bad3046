// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * spin_unlock_irq turns interrupts on, though the outer lock needs them off.
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

static void tick(struct timer_list *unused)
{
	spin_lock(&count_lock);
	count++;
	spin_unlock(&count_lock);
}

static DEFINE_TIMER(timer, tick);

static int run(void *unused)
{
	unsigned long flags;

	schedule_timeout_interruptible(2 * HZ);
	spin_lock_irqsave(&count_lock, flags);
	spin_lock(&name_lock);
	count = 0;
	spin_unlock(&name_lock);
	spin_unlock_irqrestore(&count_lock, flags);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init irqs_on_too_soon_init(void)
{
	thread = kthread_run(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	mod_timer(&timer, jiffies + HZ);
	return 0;
}

static void __exit irqs_on_too_soon_exit(void)
{
	del_timer_sync(&timer);
	kthread_stop(thread);
}

module_init(irqs_on_too_soon_init);
module_exit(irqs_on_too_soon_exit);
