// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A variable on the stack is freed.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

struct request {
	int number;
	char text[60];
};

static noinline void finish(struct request *request)
{
	pr_info("request %d is done\n", request->number);
	kfree(request);
}

static int __init free_of_stack_init(void)
{
	struct request request = { .number = 1 };

	finish(&request);
	return 0;
}

static void __exit free_of_stack_exit(void)
{
}

module_init(free_of_stack_init);
module_exit(free_of_stack_exit);
