// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * kfree of what no allocation has returned: the name of the running task.
 */
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

static int __init free_of_nothing_init(void)
{
	kfree(current->comm);
	return 0;
}

static void __exit free_of_nothing_exit(void)
{
}

module_init(free_of_nothing_init);
module_exit(free_of_nothing_exit);
