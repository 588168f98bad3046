// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A timer's function returns without freeing its spin lock.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_SPINLOCK(tick_lock);
static int ticks;

static void tick(struct timer_list *timer)
{
	spin_lock(&tick_lock);
	ticks++;
}

static DEFINE_TIMER(timer, tick);

static int __init timer_leaves_lock_init(void)
{
	mod_timer(&timer, jiffies + HZ);
	return 0;
}

static void __exit timer_leaves_lock_exit(void)
{
	del_timer_sync(&timer);
}

module_init(timer_leaves_lock_init);
module_exit(timer_leaves_lock_exit);
