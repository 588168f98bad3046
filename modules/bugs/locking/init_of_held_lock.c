// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A spin lock is initialised again while it is held.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/string.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct {
	spinlock_t lock;
	int count;
} stats;

static noinline void clear(void)
{
	spin_lock_init(&stats.lock);
	stats.count = 0;
}

static int __init init_of_held_lock_init(void)
{
	spin_lock_init(&stats.lock);
	spin_lock(&stats.lock);
	stats.count++;
	clear();
	spin_unlock(&stats.lock);
	return 0;
}

static void __exit init_of_held_lock_exit(void)
{
}

module_init(init_of_held_lock_init);
module_exit(init_of_held_lock_exit);
