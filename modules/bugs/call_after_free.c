// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A function pointer in freed memory is called.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

struct ops {
	int (*start)(int speed);
};

static struct ops *volatile ops;

static int start(int speed)
{
	return speed - 1;
}

static int __init call_after_free_init(void)
{
	ops = kmalloc(sizeof(*ops), GFP_KERNEL);
	if (!ops)
		return -ENOMEM;
	ops->start = start;
	return 0;
}

static void __exit call_after_free_exit(void)
{
	kfree(ops);
	pr_info("started: %d\n", ops->start(1));
}

module_init(call_after_free_init);
module_exit(call_after_free_exit);
