// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * add_timer of a timer that is pending.
 */
#include <linux/module.h>
#include <linux/timer.h>

MODULE_LICENSE("Dual MIT/GPL");

static void tick(struct timer_list *unused)
{
}

static DEFINE_TIMER(timer, tick);

static int __init timer_added_twice_init(void)
{
	timer.expires = jiffies + 10 * HZ;
	add_timer(&timer);
	add_timer(&timer);
	return 0;
}

static void __exit timer_added_twice_exit(void)
{
	del_timer_sync(&timer);
}

module_init(timer_added_twice_init);
module_exit(timer_added_twice_exit);
