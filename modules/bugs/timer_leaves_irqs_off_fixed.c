// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A timer's function returns with interrupts off.
 */
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/timer.h>

MODULE_LICENSE("Dual MIT/GPL");

static void tick(struct timer_list *timer)
{
	local_irq_disable();
	local_irq_enable();
}

static DEFINE_TIMER(timer, tick);

static int __init timer_leaves_irqs_off_init(void)
{
	mod_timer(&timer, jiffies + HZ);
	return 0;
}

static void __exit timer_leaves_irqs_off_exit(void)
{
	del_timer_sync(&timer);
}

module_init(timer_leaves_irqs_off_init);
module_exit(timer_leaves_irqs_off_exit);
