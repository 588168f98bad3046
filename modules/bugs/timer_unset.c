// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A timer is armed that was never set up.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/timer.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct timer_list timer;

static void __maybe_unused expire(struct timer_list *timer)
{
	pr_info("expired\n");
}

static int __init timer_unset_init(void)
{
	mod_timer(&timer, jiffies + 1);
	return 0;
}

static void __exit timer_unset_exit(void)
{
	del_timer_sync(&timer);
}

module_init(timer_unset_init);
module_exit(timer_unset_exit);
