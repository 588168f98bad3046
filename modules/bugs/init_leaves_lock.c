// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The init function returns without freeing its spin lock.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_SPINLOCK(setup_lock);
static int is_set_up;

static int __init init_leaves_lock_init(void)
{
	spin_lock(&setup_lock);
	is_set_up = 1;
	return 0;
}

static void __exit init_leaves_lock_exit(void)
{
	pr_info("was set up: %d\n", is_set_up);
}

module_init(init_leaves_lock_init);
module_exit(init_leaves_lock_exit);
