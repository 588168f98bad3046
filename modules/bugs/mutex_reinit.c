// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A mutex is initialised again while somebody holds it.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_MUTEX(lock);

static int __init mutex_reinit_init(void)
{
	mutex_lock(&lock);
	mutex_init(&lock);
	mutex_lock(&lock);
	mutex_unlock(&lock);
	return 0;
}

static void __exit mutex_reinit_exit(void)
{
}

module_init(mutex_reinit_init);
module_exit(mutex_reinit_exit);
