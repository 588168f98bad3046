// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A pointer to something else is taken for a module.
 */
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static long numbers[256];

static int __init put_of_no_module_init(void)
{
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	module_put((struct module *)numbers);
	module_put(THIS_MODULE);
	return 0;
}

static void __exit put_of_no_module_exit(void)
{
}

module_init(put_of_no_module_init);
module_exit(put_of_no_module_exit);
