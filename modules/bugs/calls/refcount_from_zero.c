// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A reference is taken when the last one has gone.
 */
#include <linux/module.h>
#include <linux/refcount.h>

MODULE_LICENSE("Dual MIT/GPL");

static refcount_t references = REFCOUNT_INIT(0);

static int __init refcount_from_zero_init(void)
{
	refcount_inc(&references);
	return 0;
}

static void __exit refcount_from_zero_exit(void)
{
}

module_init(refcount_from_zero_init);
module_exit(refcount_from_zero_exit);
