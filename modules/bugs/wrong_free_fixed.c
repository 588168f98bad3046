// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Memory of vmalloc is freed by kfree.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

MODULE_LICENSE("Dual MIT/GPL");

static void *table;

static int __init wrong_free_init(void)
{
	table = vmalloc(100000);
	return table ? 0 : -ENOMEM;
}

static void __exit wrong_free_exit(void)
{
	vfree(table);
}

module_init(wrong_free_init);
module_exit(wrong_free_exit);
