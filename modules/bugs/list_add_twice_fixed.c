// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * An entry is put into a list in which it is already.
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static LIST_HEAD(members);
static struct list_head link;

static int __init list_add_twice_init(void)
{
	list_add(&link, &members);
	return 0;
}

static void __exit list_add_twice_exit(void)
{
	list_del(&link);
}

module_init(list_add_twice_init);
module_exit(list_add_twice_exit);
