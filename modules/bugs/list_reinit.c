// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A list is initialised again while it has members; they find out when they leave.
 */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

struct member {
	struct list_head link;
};

static LIST_HEAD(members);
static struct member one, two;

static int __init list_reinit_init(void)
{
	list_add(&one.link, &members);
	list_add(&two.link, &members);
	INIT_LIST_HEAD(&members);
	return 0;
}

static void __exit list_reinit_exit(void)
{
	list_del(&one.link);
	list_del(&two.link);
}

module_init(list_reinit_init);
module_exit(list_reinit_exit);
