// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The repaired twin of unchecked.c.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>

static int *number;

static int __init checked_init(void)
{
	number = kmalloc(sizeof(*number), GFP_KERNEL);
	if (!number)
		return -ENOMEM;
	*number = 1;
	return 0;
}

static void __exit checked_exit(void)
{
	kfree(number);
}

module_init(checked_init);
module_exit(checked_exit);
MODULE_LICENSE("GPL");
