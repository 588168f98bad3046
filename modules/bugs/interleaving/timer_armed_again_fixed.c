// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A timer arms itself anew. Taken out while its function runs, it is there again.
 */
#include <linux/module.h>
#include <linux/timer.h>

static struct timer_list timer;

static void tick(struct timer_list *unused)
{
	mod_timer(&timer, jiffies + HZ);
}

static int __init timer_armed_again_init(void)
{
	timer_setup(&timer, tick, 0);
	mod_timer(&timer, jiffies + HZ);
	return 0;
}

static void __exit timer_armed_again_exit(void)
{
	del_timer_sync(&timer);
}

module_init(timer_armed_again_init);
module_exit(timer_armed_again_exit);
MODULE_LICENSE("GPL");
