// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * An object of a kmem_cache is freed twice.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct kmem_cache *cells;

static int __init cache_double_free_init(void)
{
	void *cell;

	cells = kmem_cache_create("cells", 48, 0, 0, NULL);
	if (!cells)
		return -ENOMEM;
	cell = kmem_cache_alloc(cells, GFP_KERNEL);
	if (!cell)
		return 0;
	kmem_cache_free(cells, cell);
	kmem_cache_free(cells, cell);
	return 0;
}

static void __exit cache_double_free_exit(void)
{
	kmem_cache_destroy(cells);
}

module_init(cache_double_free_init);
module_exit(cache_double_free_exit);
