// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Right: against the order a lock is only tried, and given up if it is not free.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/semaphore.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_SPINLOCK(first);
static DEFINE_SPINLOCK(second);
static DEFINE_MUTEX(outer);
static DEFINE_MUTEX(inner);
static DEFINE_SEMAPHORE(input);
static DEFINE_SEMAPHORE(output);

static int __init try_the_other_way_init(void)
{
	int i;

	spin_lock(&first);
	spin_lock(&second);
	spin_unlock(&second);
	spin_unlock(&first);
	spin_lock(&second);
	if (spin_trylock(&first))
		spin_unlock(&first);
	spin_unlock(&second);
	mutex_lock(&outer);
	mutex_lock(&inner);
	mutex_unlock(&inner);
	mutex_unlock(&outer);
	mutex_lock(&inner);
	if (mutex_trylock(&outer))
		mutex_unlock(&outer);
	mutex_unlock(&inner);
	for (i = 0; i < 2; i++) {
		/* The first time shows that they are locks. */
		down(&input);
		down(&output);
		up(&output);
		up(&input);
		down(&output);
		if (!down_timeout(&input, HZ))
			up(&input);
		if (!down_trylock(&input))
			up(&input);
		up(&output);
	}
	return 0;
}

static void __exit try_the_other_way_exit(void)
{
}

module_init(try_the_other_way_init);
module_exit(try_the_other_way_exit);
