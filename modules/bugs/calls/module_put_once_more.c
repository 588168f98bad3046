// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A module gives itself back that nobody holds.
 */
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static int __init module_put_once_more_init(void)
{
	return 0;
}

static void __exit module_put_once_more_exit(void)
{
	module_put(THIS_MODULE);
}

module_init(module_put_once_more_init);
module_exit(module_put_once_more_exit);
