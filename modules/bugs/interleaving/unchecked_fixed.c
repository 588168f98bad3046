// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The result of an allocation is used untested: found when allocations fail.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>

static int *number;

static int __init unchecked_init(void)
{
	number = kmalloc(sizeof(*number), GFP_KERNEL);
	if (!number)
		return -ENOMEM;
	*number = 1;
	return 0;
}

static void __exit unchecked_exit(void)
{
	kfree(number);
}

module_init(unchecked_init);
module_exit(unchecked_exit);
MODULE_LICENSE("GPL");
