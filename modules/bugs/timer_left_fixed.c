// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A timer is pending when the module that holds it is unloaded.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/timer.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct timer_list blinker;

static void blink(struct timer_list *timer)
{
	mod_timer(timer, jiffies + HZ);
}

static int __init timer_left_init(void)
{
	timer_setup(&blinker, blink, 0);
	mod_timer(&blinker, jiffies + HZ);
	return 0;
}

static void __exit timer_left_exit(void)
{
	timer_shutdown_sync(&blinker);
}

module_init(timer_left_init);
module_exit(timer_left_exit);
