/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_SEMAPHORE_H
#define _KTHREADS_LINUX_SEMAPHORE_H

#include <linux/types.h>
#include <linux/list.h>
#include <linux/spinlock.h>

#define __SEMAPHORE_MAGIC	0x73656d61U

struct semaphore {
	unsigned int count;
	unsigned int __magic;
};

extern void down(struct semaphore *sem);
extern int __must_check down_interruptible(struct semaphore *sem);
extern int __must_check down_killable(struct semaphore *sem);
extern int __must_check down_trylock(struct semaphore *sem);
extern int __must_check down_timeout(struct semaphore *sem, long jiffies);
extern void up(struct semaphore *sem);

#define __SEMAPHORE_INITIALIZER(name, n) \
	{ .count = (n), .__magic = __SEMAPHORE_MAGIC }

/* One argument up to 6.3, and the count as a second one from 6.4 on. */
#define __define_semaphore_1(name) \
	struct semaphore name = __SEMAPHORE_INITIALIZER(name, 1)
#define __define_semaphore_2(name, n) \
	struct semaphore name = __SEMAPHORE_INITIALIZER(name, n)
#define __define_semaphore(a, b, pick, ...) pick
#define DEFINE_SEMAPHORE(...)						\
	__define_semaphore(__VA_ARGS__, __define_semaphore_2,		\
			   __define_semaphore_1, )(__VA_ARGS__)

extern void __sema_init(struct semaphore *sem, int val, const char *name,
			struct lock_class_key *key);

#define sema_init(sem, val) do {			\
	static struct lock_class_key __key;		\
	__sema_init((sem), (val), #sem, &__key);	\
} while (0)

/* The names of before 2.6.37. */
#define DECLARE_MUTEX(name)		__define_semaphore_1(name)
#define DECLARE_MUTEX_LOCKED(name)	__define_semaphore_2(name, 0)
#define init_MUTEX(sem)			sema_init((sem), 1)
#define init_MUTEX_LOCKED(sem)		sema_init((sem), 0)

#endif
