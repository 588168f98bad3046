// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Of two allocations the first is forgotten when the second fails.
 */
#include <linux/module.h>
#include <linux/slab.h>

static char *name, *text;

static int __init leak_on_failure_init(void)
{
	name = kmalloc(16, GFP_KERNEL);
	if (!name)
		return -ENOMEM;
	text = kmalloc(64, GFP_KERNEL);
	if (!text) {
		kfree(name);
		return -ENOMEM;
	}
	return 0;
}

static void __exit leak_on_failure_exit(void)
{
	kfree(text);
	kfree(name);
}

module_init(leak_on_failure_init);
module_exit(leak_on_failure_exit);
MODULE_LICENSE("GPL");
