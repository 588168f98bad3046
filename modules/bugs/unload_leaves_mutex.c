// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The exit function leaves a mutex of the module locked, which goes with it.
 */
#include <linux/module.h>
#include <linux/mutex.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_MUTEX(config_lock);

static int __init unload_leaves_mutex_init(void)
{
	return 0;
}

static void __exit unload_leaves_mutex_exit(void)
{
	mutex_lock(&config_lock);
}

module_init(unload_leaves_mutex_init);
module_exit(unload_leaves_mutex_exit);
