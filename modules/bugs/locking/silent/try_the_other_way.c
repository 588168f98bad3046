// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Right: against the order a lock is only tried, and given up if it is not free.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_SPINLOCK(first);
static DEFINE_SPINLOCK(second);
static DEFINE_MUTEX(outer);
static DEFINE_MUTEX(inner);

static int __init try_the_other_way_init(void)
{
	spin_lock(&first);
	spin_lock(&second);
	spin_unlock(&second);
	spin_unlock(&first);
	spin_lock(&second);
	if (spin_trylock(&first))
		spin_unlock(&first);
	spin_unlock(&second);
	mutex_lock(&outer);
	mutex_lock(&inner);
	mutex_unlock(&inner);
	mutex_unlock(&outer);
	mutex_lock(&inner);
	if (mutex_trylock(&outer))
		mutex_unlock(&outer);
	mutex_unlock(&inner);
	return 0;
}

static void __exit try_the_other_way_exit(void)
{
}

module_init(try_the_other_way_init);
module_exit(try_the_other_way_exit);
