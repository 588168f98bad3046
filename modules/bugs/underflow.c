// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A loop that counts down writes before the buffer.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

static int *slots;

static int __init underflow_init(void)
{
	int i;

	slots = kmalloc_array(10, sizeof(*slots), GFP_KERNEL);
	if (!slots)
		return -ENOMEM;
	for (i = 9; i >= -1; i--)
		slots[i] = i;
	return 0;
}

static void __exit underflow_exit(void)
{
	kfree(slots);
}

module_init(underflow_init);
module_exit(underflow_exit);
