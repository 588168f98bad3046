// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A kmem_cache is destroyed while an object of it is out.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct kmem_cache *cells;
static void *cell;

static int __init cache_not_empty_init(void)
{
	cells = kmem_cache_create("cells", 48, 0, 0, NULL);
	if (!cells)
		return -ENOMEM;
	cell = kmem_cache_alloc(cells, GFP_KERNEL);
	return 0;
}

static void __exit cache_not_empty_exit(void)
{
	if (cell)
		kmem_cache_free(cells, cell);
	kmem_cache_destroy(cells);
}

module_init(cache_not_empty_init);
module_exit(cache_not_empty_exit);
