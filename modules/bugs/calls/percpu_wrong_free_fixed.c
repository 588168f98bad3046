// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * free_percpu of what alloc_percpu has not returned.
 */
#include <linux/module.h>
#include <linux/percpu.h>

MODULE_LICENSE("Dual MIT/GPL");

static long __percpu *counts;

static int __init percpu_wrong_free_init(void)
{
	counts = alloc_percpu(long);
	if (!counts)
		return -ENOMEM;
	free_percpu(counts);
	return 0;
}

static void __exit percpu_wrong_free_exit(void)
{
}

module_init(percpu_wrong_free_init);
module_exit(percpu_wrong_free_exit);
