// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The same memory is freed twice.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

static char *buffer;

static noinline void drop_buffer(void)
{
	kfree(buffer);
}

static int __init double_free_init(void)
{
	buffer = kmalloc(100, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	drop_buffer();
	return 0;
}

static void __exit double_free_exit(void)
{
	kfree(buffer);
}

module_init(double_free_init);
module_exit(double_free_exit);
