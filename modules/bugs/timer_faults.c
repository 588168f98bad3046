// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A timer's function uses a pointer that nobody has set.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/timer.h>

MODULE_LICENSE("Dual MIT/GPL");

static int *volatile count;

static void tick(struct timer_list *timer)
{
	(*count)++;
}

static DEFINE_TIMER(timer, tick);

static int __init timer_faults_init(void)
{
	mod_timer(&timer, jiffies + HZ);
	return 0;
}

static void __exit timer_faults_exit(void)
{
	del_timer_sync(&timer);
}

module_init(timer_faults_init);
module_exit(timer_faults_exit);
