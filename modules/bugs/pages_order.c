// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Pages are freed with another order than they were allocated with.
 */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static unsigned long pages;

static int __init pages_order_init(void)
{
	pages = __get_free_pages(GFP_KERNEL, 2);
	return pages ? 0 : -ENOMEM;
}

static void __exit pages_order_exit(void)
{
	free_pages(pages, 1);
}

module_init(pages_order_init);
module_exit(pages_order_exit);
