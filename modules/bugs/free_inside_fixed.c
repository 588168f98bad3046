// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What is freed is a pointer into the memory, not the one that kmalloc gave.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

MODULE_LICENSE("Dual MIT/GPL");

static char *line, *text;

static int __init free_inside_init(void)
{
	text = kstrdup("  two blanks", GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	line = skip_spaces(text);
	pr_info("'%s'\n", line);
	return 0;
}

static void __exit free_inside_exit(void)
{
	kfree(text);
}

module_init(free_inside_init);
module_exit(free_inside_exit);
