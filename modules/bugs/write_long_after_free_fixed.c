// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Freed memory is written to while many other blocks come and go: it is found
 * when the memory is about to be used for something else.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

static long *volatile stale;

static int __init write_long_after_free_init(void)
{
	int i;

	stale = kzalloc(64, GFP_KERNEL);
	if (!stale)
		return -ENOMEM;
	stale[2] = 5;
	kfree(stale);
	/* Many on each CPU, so that it is this one's turn. */
	for (i = 0; i < 10000; i++)
		kfree(kmalloc(64, GFP_KERNEL));
	pr_info("ten thousand blocks later\n");
	return 0;
}

static void __exit write_long_after_free_exit(void)
{
}

module_init(write_long_after_free_init);
module_exit(write_long_after_free_exit);
