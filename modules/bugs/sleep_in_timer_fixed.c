// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A timer's function sleeps.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/timer.h>

MODULE_LICENSE("Dual MIT/GPL");

static void tick(struct timer_list *timer)
{
	udelay(20);
}

static DEFINE_TIMER(timer, tick);

static int __init sleep_in_timer_init(void)
{
	mod_timer(&timer, jiffies + HZ);
	return 0;
}

static void __exit sleep_in_timer_exit(void)
{
	del_timer_sync(&timer);
}

module_init(sleep_in_timer_init);
module_exit(sleep_in_timer_exit);
