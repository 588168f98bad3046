// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A pointer in new memory is followed that nobody has set.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

struct node {
	struct node *parent;
	int value;
};

static struct node *volatile node;

static int __init unset_memory_init(void)
{
	node = kzalloc(sizeof(*node), GFP_KERNEL);
	return node ? 0 : -ENOMEM;
}

static void __exit unset_memory_exit(void)
{
	if (node->parent)
		pr_info("the parent's value is %d\n", node->parent->value);
	kfree(node);
}

module_init(unset_memory_init);
module_exit(unset_memory_exit);
