// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A kmem_cache is used after it was destroyed.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct kmem_cache *cells;

static int __init cache_destroyed_init(void)
{
	cells = kmem_cache_create("cells", 48, 0, 0, NULL);
	return cells ? 0 : -ENOMEM;
}

static void __exit cache_destroyed_exit(void)
{
	void *cell;

	kmem_cache_destroy(cells);
	cell = kmem_cache_alloc(cells, GFP_KERNEL);
	if (cell)
		kmem_cache_free(cells, cell);
}

module_init(cache_destroyed_init);
module_exit(cache_destroyed_exit);
