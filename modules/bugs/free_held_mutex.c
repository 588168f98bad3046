// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Memory is freed while a mutex in it is held.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

struct account {
	struct mutex lock;
	long balance;
};

static int __init free_held_mutex_init(void)
{
	struct account *account = kzalloc(sizeof(*account), GFP_KERNEL);

	if (!account)
		return -ENOMEM;
	mutex_init(&account->lock);
	mutex_lock(&account->lock);
	account->balance = 1;
	kfree(account);
	return 0;
}

static void __exit free_held_mutex_exit(void)
{
}

module_init(free_held_mutex_init);
module_exit(free_held_mutex_exit);
