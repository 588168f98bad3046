// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Right: more locks than the validator can know. It stops, and nothing else happens.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/vmalloc.h>

MODULE_LICENSE("Dual MIT/GPL");

#define LOCKS	100000

static struct mutex *locks;

static int __init very_many_locks_init(void)
{
	int i;

	locks = vmalloc(LOCKS * sizeof(*locks));
	if (!locks)
		return -ENOMEM;
	for (i = 0; i < LOCKS; i++)
		mutex_init(&locks[i]);
	for (i = 0; i < LOCKS; i++) {
		mutex_lock(&locks[i]);
		mutex_unlock(&locks[i]);
	}
	return 0;
}

static void __exit very_many_locks_exit(void)
{
	vfree(locks);
}

module_init(very_many_locks_init);
module_exit(very_many_locks_exit);
