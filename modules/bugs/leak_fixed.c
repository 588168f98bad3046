// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Memory is left behind: what an earlier call allocated is overwritten.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

MODULE_LICENSE("Dual MIT/GPL");

static char *text;

static noinline int set_text(const char *new)
{
	kfree(text);
	text = kstrdup(new, GFP_KERNEL);
	return text ? 0 : -ENOMEM;
}

static int __init leak_init(void)
{
	set_text("first");
	return set_text("second");
}

static void __exit leak_exit(void)
{
	kfree(text);
}

module_init(leak_init);
module_exit(leak_exit);
