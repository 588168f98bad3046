// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A size that is negative becomes a very large one.
 */
#include <linux/kernel.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static char text[8];
static int room = -1;

static int __init size_too_large_init(void)
{
	pr_info("%d bytes\n", snprintf(text, room, "%d", 1234));
	return 0;
}

static void __exit size_too_large_exit(void)
{
}

module_init(size_too_large_init);
module_exit(size_too_large_exit);
