// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Two objects of one kind are locked at once, and nothing says in which order.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>

MODULE_LICENSE("Dual MIT/GPL");

struct account {
	struct mutex lock;
	int balance;
};

static struct account accounts[2];

static noinline void transfer(struct account *from, struct account *to, int sum)
{
	/* The lower address first, whoever transfers. */
	mutex_lock(from < to ? &from->lock : &to->lock);
	mutex_lock_nested(from < to ? &to->lock : &from->lock, SINGLE_DEPTH_NESTING);
	from->balance -= sum;
	to->balance += sum;
	mutex_unlock(&to->lock);
	mutex_unlock(&from->lock);
}

static int __init lock_two_of_a_class_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(accounts); i++)
		mutex_init(&accounts[i].lock);
	transfer(&accounts[0], &accounts[1], 10);
	return 0;
}

static void __exit lock_two_of_a_class_exit(void)
{
}

module_init(lock_two_of_a_class_init);
module_exit(lock_two_of_a_class_exit);
