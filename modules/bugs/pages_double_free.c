// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A page is freed twice.
 */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static unsigned long page;

static int __init pages_double_free_init(void)
{
	page = __get_free_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	free_page(page);
	return 0;
}

static void __exit pages_double_free_exit(void)
{
	free_page(page);
}

module_init(pages_double_free_init);
module_exit(pages_double_free_exit);
