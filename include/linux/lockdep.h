/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_LOCKDEP_H
#define _KTHREADS_LINUX_LOCKDEP_H

#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/stddef.h>
#include <linux/types.h>

#define MAX_LOCKDEP_SUBCLASSES	8UL
#define SINGLE_DEPTH_NESTING	1

/* Names a class of locks: what matters is its address. */
struct lock_class_key {
	char __address;
};

/* Locks have no map in them: they are known by their address. */
struct lockdep_map {
	char __nothing;
};

struct mutex;

extern void __lockdep_set_class(const void *lock, int kind, const char *name,
				struct lock_class_key *key, int subclass);
extern void __lockdep_set_work(const void *work, const char *name,
			       struct lock_class_key *key);
extern void __lockdep_set_subclass(const void *lock, int subclass);
extern void __lockdep_set_novalidate(const void *lock);
extern void lockdep_unregister_key(struct lock_class_key *key);
extern int lockdep_is_held(const void *lock);
extern int __lockdep_holds_any(void);
extern bool __lockdep_is_on(void);

/* 0 for a lock that spins. */
#define __lockdep_kind(lock) \
	__builtin_types_compatible_p(__typeof__(*(lock)), struct mutex)

#define debug_locks			__lockdep_is_on()
#define lockdep_set_class_and_subclass(lock, key, sub) \
	__lockdep_set_class((lock), __lockdep_kind(lock), #key, (key), (sub))
#define lockdep_set_class_and_name(lock, key, name) \
	__lockdep_set_class((lock), __lockdep_kind(lock), (name), (key), 0)
#define lockdep_set_class(lock, key) \
	lockdep_set_class_and_subclass(lock, key, 0)
#define lockdep_set_subclass(lock, sub)		__lockdep_set_subclass((lock), (sub))
#define lockdep_set_novalidate_class(lock)	__lockdep_set_novalidate(lock)
#define lockdep_register_key(key)		do { (void)(key); } while (0)

#define lockdep_assert(cond)		WARN_ON(debug_locks && !(cond))
#define lockdep_assert_once(cond)	WARN_ON_ONCE(debug_locks && !(cond))
#define lockdep_assert_held(lock)	lockdep_assert(lockdep_is_held(lock))
#define lockdep_assert_held_once(lock)	lockdep_assert_once(lockdep_is_held(lock))
#define lockdep_assert_not_held(lock)	lockdep_assert(!lockdep_is_held(lock))
#define lockdep_assert_none_held_once()	lockdep_assert_once(!__lockdep_holds_any())
#define lockdep_assert_irqs_enabled()	WARN_ON_ONCE(debug_locks && irqs_disabled())
#define lockdep_assert_irqs_disabled()	WARN_ON_ONCE(debug_locks && !irqs_disabled())
#define lockdep_assert_preemption_disabled() \
	WARN_ON_ONCE(debug_locks && preemptible())
#define lockdep_assert_preemption_enabled() \
	WARN_ON_ONCE(debug_locks && !preemptible())
#define lockdep_assert_in_irq()		WARN_ON_ONCE(debug_locks && !in_hardirq())
#define lockdep_assert_in_softirq() \
	WARN_ON_ONCE(debug_locks && (!in_softirq() || in_hardirq()))

#define lockdep_init_map(map, name, key, sub) \
	do { (void)(map); (void)(name); (void)(key); } while (0)
#define lock_map_acquire(map)		do { (void)(map); } while (0)
#define lock_map_acquire_read(map)	do { (void)(map); } while (0)
#define lock_map_release(map)		do { (void)(map); } while (0)

#endif
