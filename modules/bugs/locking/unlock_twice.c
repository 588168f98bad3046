// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A way out of a function frees a spin lock that is free already.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_SPINLOCK(slots_lock);
static int slots;

static noinline int take_slot(void)
{
	preempt_disable();
	spin_lock(&slots_lock);
	if (!slots) {
		spin_unlock(&slots_lock);
		goto out;
	}
	slots--;
out:
	spin_unlock(&slots_lock);
	return 0;
}

static int __init unlock_twice_init(void)
{
	return take_slot();
}

static void __exit unlock_twice_exit(void)
{
}

module_init(unlock_twice_init);
module_exit(unlock_twice_exit);
