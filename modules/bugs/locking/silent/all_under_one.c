// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Right: whoever takes several locks of the class holds one that keeps others away.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

#define SLOTS	4

static DEFINE_MUTEX(all);
static struct mutex mutexes[SLOTS];
static spinlock_t locks[SLOTS];

static int __init all_under_one_init(void)
{
	int i;

	for (i = 0; i < SLOTS; i++) {
		mutex_init(&mutexes[i]);
		spin_lock_init(&locks[i]);
	}
	mutex_lock(&all);
	for (i = 0; i < SLOTS; i++)
		mutex_lock_nest_lock(&mutexes[i], &all);
	for (i = SLOTS - 1; i >= 0; i--)
		spin_lock_nest_lock(&locks[i], &all);
	for (i = 0; i < SLOTS; i++)
		spin_unlock(&locks[i]);
	for (i = 0; i < SLOTS; i++)
		mutex_unlock(&mutexes[i]);
	mutex_unlock(&all);
	return 0;
}

static void __exit all_under_one_exit(void)
{
}

module_init(all_under_one_init);
module_exit(all_under_one_exit);
