// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * An object goes back to another cache than it came from.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct kmem_cache *apples, *pears;

static int __init cache_mixed_init(void)
{
	void *apple;

	apples = kmem_cache_create("apples", 48, 0, 0, NULL);
	pears = kmem_cache_create("pears", 48, 0, 0, NULL);
	apple = kmem_cache_alloc(apples, GFP_KERNEL);
	kmem_cache_free(apples, apple);
	return 0;
}

static void __exit cache_mixed_exit(void)
{
	kmem_cache_destroy(apples);
	kmem_cache_destroy(pears);
}

module_init(cache_mixed_init);
module_exit(cache_mixed_exit);
