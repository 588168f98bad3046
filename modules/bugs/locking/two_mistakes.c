// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Two pairs of locks, each taken in both orders: one mistake does not hide the
 * other.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_MUTEX(disk_lock);
static DEFINE_MUTEX(file_lock);
static DEFINE_SPINLOCK(port_lock);
static DEFINE_SPINLOCK(queue_lock);

static noinline void take_mutexes(struct mutex *first, struct mutex *second)
{
	mutex_lock(first);
	mutex_lock(second);
	mutex_unlock(second);
	mutex_unlock(first);
}

static noinline void take_spin_locks(spinlock_t *first, spinlock_t *second)
{
	spin_lock(first);
	spin_lock(second);
	spin_unlock(second);
	spin_unlock(first);
}

static int __init two_mistakes_init(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		take_mutexes(&disk_lock, &file_lock);
		take_mutexes(&file_lock, &disk_lock);
		take_spin_locks(&port_lock, &queue_lock);
		take_spin_locks(&queue_lock, &port_lock);
	}
	return 0;
}

static void __exit two_mistakes_exit(void)
{
}

module_init(two_mistakes_init);
module_exit(two_mistakes_exit);
