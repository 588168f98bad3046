// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Right: locks that are initialised at one place, but of two classes, and one that
 * is not to be looked at.
 */
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct lock_class_key upper_key, lower_key;
static struct mutex upper, lower;
static spinlock_t wild[2];

static noinline void init_one(struct mutex *lock)
{
	mutex_init(lock);
}

static int __init classes_of_its_own_init(void)
{
	int i;

	init_one(&upper);
	init_one(&lower);
	lockdep_set_class(&upper, &upper_key);
	lockdep_set_class_and_name(&lower, &lower_key, "lower");
	mutex_lock(&upper);
	mutex_lock(&lower);
	lockdep_assert_held(&upper);
	mutex_unlock(&lower);
	mutex_unlock(&upper);
	lockdep_assert_not_held(&upper);
	for (i = 0; i < ARRAY_SIZE(wild); i++) {
		spin_lock_init(&wild[i]);
		lockdep_set_novalidate_class(&wild[i]);
	}
	spin_lock(&wild[0]);
	spin_lock(&wild[1]);
	spin_unlock(&wild[1]);
	spin_unlock(&wild[0]);
	spin_lock(&wild[1]);
	spin_lock(&wild[0]);
	spin_unlock(&wild[0]);
	spin_unlock(&wild[1]);
	return 0;
}

static void __exit classes_of_its_own_exit(void)
{
}

module_init(classes_of_its_own_init);
module_exit(classes_of_its_own_exit);
