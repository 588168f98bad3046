// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * An array is written past its end, then grown: too late.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

static int *numbers;

static int __init overflow_krealloc_init(void)
{
	int *more;

	numbers = kmalloc_array(4, sizeof(*numbers), GFP_KERNEL);
	if (!numbers)
		return -ENOMEM;
	more = krealloc(numbers, 8 * sizeof(*numbers), GFP_KERNEL);
	if (more)
		numbers = more;
	if (more)
		numbers[4] = 4;
	return 0;
}

static void __exit overflow_krealloc_exit(void)
{
	kfree(numbers);
}

module_init(overflow_krealloc_init);
module_exit(overflow_krealloc_exit);
