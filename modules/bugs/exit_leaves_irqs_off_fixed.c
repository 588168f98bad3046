// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The exit function returns with interrupts off.
 */
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static int __init exit_leaves_irqs_off_init(void)
{
	return 0;
}

static void __exit exit_leaves_irqs_off_exit(void)
{
	local_irq_disable();
	local_irq_enable();
}

module_init(exit_leaves_irqs_off_init);
module_exit(exit_leaves_irqs_off_exit);
