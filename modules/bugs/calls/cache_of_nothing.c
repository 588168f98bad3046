// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A pointer to something else is taken for a kmem_cache.
 */
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

static long numbers[64];

static int __init cache_of_nothing_init(void)
{
	kfree(kmem_cache_alloc((struct kmem_cache *)numbers, GFP_KERNEL));
	return 0;
}

static void __exit cache_of_nothing_exit(void)
{
}

module_init(cache_of_nothing_init);
module_exit(cache_of_nothing_exit);
