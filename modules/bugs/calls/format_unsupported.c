// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * printk has no %n.
 */
#include <linux/kernel.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static int count;
static const char *format = KERN_INFO "%d%n\n";

static int __init format_unsupported_init(void)
{
	printk(format, 7, &count);
	return 0;
}

static void __exit format_unsupported_exit(void)
{
}

module_init(format_unsupported_init);
module_exit(format_unsupported_exit);
