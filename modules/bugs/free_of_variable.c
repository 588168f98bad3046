// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A variable of the module is freed.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

static char standard[] = "standard";
static char *volatile name = standard;

static int __init free_of_variable_init(void)
{
	pr_info("the name is %s\n", name);
	return 0;
}

static void __exit free_of_variable_exit(void)
{
	kfree(name);
}

module_init(free_of_variable_init);
module_exit(free_of_variable_exit);
