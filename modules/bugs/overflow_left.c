// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Memory is written past its end and never freed: it is found when the module is
 * unloaded.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

MODULE_LICENSE("Dual MIT/GPL");

static u8 *bytes;

static int __init overflow_left_init(void)
{
	bytes = kzalloc(30, GFP_KERNEL);
	if (!bytes)
		return -ENOMEM;
	memset(bytes, 1, 30 + 3);
	return 0;
}

static void __exit overflow_left_exit(void)
{
}

module_init(overflow_left_init);
module_exit(overflow_left_exit);
