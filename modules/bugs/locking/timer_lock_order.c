// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Under a lock that a timer's function takes, a thread takes one that others hold
 * where the timer can come in between.
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
static char name;

static void tick(struct timer_list *unused)
{
	spin_lock(&count_lock);
	count++;
	spin_unlock(&count_lock);
}

static DEFINE_TIMER(timer, tick);

static noinline void rename(void)
{
	spin_lock(&name_lock);
	name++;
	spin_unlock(&name_lock);
}

static noinline void reset(void)
{
	spin_lock_bh(&count_lock);
	spin_lock(&name_lock);
	count = name;
	spin_unlock(&name_lock);
	spin_unlock_bh(&count_lock);
}

static int run(void *unused)
{
	rename();
	schedule_timeout_interruptible(2 * HZ);
	reset();
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init timer_lock_order_init(void)
{
	thread = kthread_run(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	mod_timer(&timer, jiffies + HZ);
	return 0;
}

static void __exit timer_lock_order_exit(void)
{
	del_timer_sync(&timer);
	kthread_stop(thread);
}

module_init(timer_lock_order_init);
module_exit(timer_lock_order_exit);
