// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * An entry is taken out of its list twice.
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static LIST_HEAD(members);
static struct list_head link;

static int __init list_del_twice_init(void)
{
	list_add(&link, &members);
	list_del(&link);
	return 0;
}

static void __exit list_del_twice_exit(void)
{
	list_del(&link);
}

module_init(list_del_twice_init);
module_exit(list_del_twice_exit);
