// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Memory of all kinds is left behind.
 */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

MODULE_LICENSE("Dual MIT/GPL");

static void *table;
static unsigned long pages;
static int __percpu *counts;
static struct kmem_cache *cells;

static int __init leak_kinds_init(void)
{
	table = vmalloc(5000);
	pages = __get_free_pages(GFP_KERNEL, 1);
	counts = alloc_percpu(int);
	cells = kmem_cache_create("cells", 48, 0, 0, NULL);
	return 0;
}

static void __exit leak_kinds_exit(void)
{
}

module_init(leak_kinds_init);
module_exit(leak_kinds_exit);
