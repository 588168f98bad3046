// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A mutex is taken that nobody has initialised.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct mutex lock;

static int __init mutex_unset_init(void)
{
	mutex_lock(&lock);
	mutex_unlock(&lock);
	return 0;
}

static void __exit mutex_unset_exit(void)
{
}

module_init(mutex_unset_init);
module_exit(mutex_unset_exit);
