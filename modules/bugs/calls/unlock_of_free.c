// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A mutex is freed that nobody holds; the lock validator is off.
 */
#include <linux/module.h>
#include <linux/mutex.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_MUTEX(lock);

static int __init unlock_of_free_init(void)
{
	mutex_unlock(&lock);
	return 0;
}

static void __exit unlock_of_free_exit(void)
{
}

module_init(unlock_of_free_init);
module_exit(unlock_of_free_exit);
