/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_MUTEX_H
#define _KTHREADS_LINUX_MUTEX_H

#include <linux/types.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/spinlock_types.h>
#include <linux/atomic.h>
#include <asm/current.h>

#define __MUTEX_MAGIC	0x6d757478U

struct mutex {
	unsigned long __owner;
	unsigned int __magic;
	unsigned int __waiters;
};

extern void __mutex_init(struct mutex *lock, const char *name,
			 struct lock_class_key *key);
extern void mutex_lock(struct mutex *lock);
extern void mutex_lock_nested(struct mutex *lock, unsigned int subclass);
extern void _mutex_lock_nest_lock(struct mutex *lock, const void *outer);
extern void mutex_unlock(struct mutex *lock);
extern int __must_check mutex_lock_interruptible(struct mutex *lock);
extern int __must_check mutex_lock_killable(struct mutex *lock);
extern int __must_check mutex_lock_interruptible_nested(struct mutex *lock,
							unsigned int subclass);
extern int __must_check mutex_lock_killable_nested(struct mutex *lock,
						   unsigned int subclass);
extern int mutex_trylock(struct mutex *lock);
extern bool mutex_is_locked(struct mutex *lock);

#define __MUTEX_INITIALIZER(name)	{ .__magic = __MUTEX_MAGIC }
#define DEFINE_MUTEX(name)	struct mutex name = __MUTEX_INITIALIZER(name)

#define mutex_init(mutex) do {			\
	static struct lock_class_key __key;	\
	__mutex_init((mutex), #mutex, &__key);	\
} while (0)

/* A destroyed mutex is reported when it is used again. */
static inline void mutex_destroy(struct mutex *lock)
{
	lock->__magic = 0;
}

#define mutex_lock_io(lock)			mutex_lock(lock)
#define mutex_lock_io_nested(lock, sub)		mutex_lock_nested(lock, sub)
#define mutex_lock_nest_lock(lock, outer)	_mutex_lock_nest_lock(lock, outer)

/* Takes @lock if this brings @v to zero; true means that it is held. */
static inline int atomic_dec_and_mutex_lock(atomic_t *v, struct mutex *lock)
{
	if (atomic_add_unless(v, -1, 1))
		return 0;
	mutex_lock(lock);
	if (atomic_dec_and_test(v))
		return 1;
	mutex_unlock(lock);
	return 0;
}

#endif
