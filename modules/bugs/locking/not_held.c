// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A function that must be called with a lock held says so, and is not.
 */
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mutex.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_MUTEX(list_lock);
static int length;

static noinline void grow(void)
{
	lockdep_assert_held(&list_lock);
	length++;
}

static int __init not_held_init(void)
{
	grow();
	return 0;
}

static void __exit not_held_exit(void)
{
}

module_init(not_held_init);
module_exit(not_held_exit);
