// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The way out of a function that fails frees nothing.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

MODULE_LICENSE("Dual MIT/GPL");

struct tables {
	void *small, *large;
};

static int make_tables(struct tables *tables)
{
	tables->small = kmalloc(500, GFP_KERNEL);
	if (!tables->small)
		return -ENOMEM;
	tables->large = vmalloc(KMALLOC_MAX_SIZE << 40);
	if (!tables->large) {
		kfree(tables->small);
		return -ENOMEM;
	}
	return 0;
}

static int __init leak_on_error_init(void)
{
	struct tables tables;

	if (make_tables(&tables))
		pr_info("goes without tables\n");
	return 0;
}

static void __exit leak_on_error_exit(void)
{
}

module_init(leak_on_error_init);
module_exit(leak_on_error_exit);
