// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A reference is given back that nobody has.
 */
#include <linux/module.h>
#include <linux/refcount.h>

MODULE_LICENSE("Dual MIT/GPL");

static refcount_t references = REFCOUNT_INIT(1);

static int __init refcount_below_zero_init(void)
{
	if (refcount_dec_and_test(&references))
		pr_info("the last one\n");
	if (refcount_dec_and_test(&references))
		pr_info("the last one again\n");
	return 0;
}

static void __exit refcount_below_zero_exit(void)
{
}

module_init(refcount_below_zero_init);
module_exit(refcount_below_zero_exit);
