// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Freed memory is written to. That is found when the memory is given back for
 * new use, and at the latest when the module is unloaded.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

struct counter {
	long padding[3];
	long value;
};

static struct counter *volatile counter;

static int __init write_after_free_init(void)
{
	counter = kzalloc(sizeof(*counter), GFP_KERNEL);
	return counter ? 0 : -ENOMEM;
}

static void __exit write_after_free_exit(void)
{
	counter->value = 0;
	kfree(counter);
}

module_init(write_after_free_init);
module_exit(write_after_free_exit);
