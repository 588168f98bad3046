// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A spin lock is taken in memory that nobody has initialised.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

static spinlock_t *lock;

static int __init bad_spinlock_init(void)
{
	lock = kmalloc(sizeof(*lock), GFP_KERNEL);
	if (!lock)
		return -ENOMEM;
	spin_lock_init(lock);
	spin_lock(lock);
	spin_unlock(lock);
	return 0;
}

static void __exit bad_spinlock_exit(void)
{
	kfree(lock);
}

module_init(bad_spinlock_init);
module_exit(bad_spinlock_exit);
