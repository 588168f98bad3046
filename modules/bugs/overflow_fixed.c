// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * One byte is written behind a buffer: the NUL of a text that fills it.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

MODULE_LICENSE("Dual MIT/GPL");

static char *name;

static int __init overflow_init(void)
{
	name = kmalloc(strlen("kernel") + 1, GFP_KERNEL);
	if (!name)
		return -ENOMEM;
	strcpy(name, "kernel");
	return 0;
}

static void __exit overflow_exit(void)
{
	pr_info("%s\n", name);
	kfree(name);
}

module_init(overflow_init);
module_exit(overflow_exit);
