// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A timer's function ends the thread, of which there is none.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/timer.h>

MODULE_LICENSE("Dual MIT/GPL");

static void tick(struct timer_list *unused)
{
}

static DEFINE_TIMER(timer, tick);

static int __init exit_in_timer_init(void)
{
	mod_timer(&timer, jiffies + 1);
	return 0;
}

static void __exit exit_in_timer_exit(void)
{
	del_timer_sync(&timer);
}

module_init(exit_in_timer_init);
module_exit(exit_in_timer_exit);
