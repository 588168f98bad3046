// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Two semaphores are used as locks, in both orders.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/semaphore.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct semaphore input, output;
static int copied;

static noinline void copy(struct semaphore *from, struct semaphore *to)
{
	down(from);
	down(to);
	copied++;
	up(to);
	up(from);
}

static int __init semaphore_order_init(void)
{
	int i;

	sema_init(&input, 1);
	sema_init(&output, 1);
	for (i = 0; i < 2; i++) {
		copy(&input, &output);
		copy(&output, &input);
	}
	return 0;
}

static void __exit semaphore_order_exit(void)
{
}

module_init(semaphore_order_init);
module_exit(semaphore_order_exit);
