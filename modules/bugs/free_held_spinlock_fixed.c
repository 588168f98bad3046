// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Memory is freed under a spin lock that lies in it, which is then unlocked.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

struct entry {
	int users;
	spinlock_t lock;
};

static noinline void put_entry(struct entry *entry)
{
	spin_lock(&entry->lock);
	int users = --entry->users;
	spin_unlock(&entry->lock);
	if (users == 0)
		kfree(entry);
}

static int __init free_held_spinlock_init(void)
{
	struct entry *entry = kzalloc(sizeof(*entry), GFP_KERNEL);

	if (!entry)
		return -ENOMEM;
	spin_lock_init(&entry->lock);
	entry->users = 1;
	put_entry(entry);
	return 0;
}

static void __exit free_held_spinlock_exit(void)
{
}

module_init(free_held_spinlock_init);
module_exit(free_held_spinlock_exit);
