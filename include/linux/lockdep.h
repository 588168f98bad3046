/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_LOCKDEP_H
#define _KTHREADS_LINUX_LOCKDEP_H

#include <linux/compiler.h>
#include <linux/stddef.h>

/* Names a class of locks: what matters is its address. */
struct lock_class_key {
	char __address;
};

#define lockdep_assert(cond)			do { } while (0)
#define lockdep_assert_held(lock)		do { (void)(lock); } while (0)
#define lockdep_assert_held_once(lock)		do { (void)(lock); } while (0)
#define lockdep_assert_not_held(lock)		do { (void)(lock); } while (0)
#define lockdep_assert_none_held_once()		do { } while (0)
#define lockdep_assert_irqs_enabled()		do { } while (0)
#define lockdep_assert_irqs_disabled()		do { } while (0)
#define lockdep_assert_preemption_disabled()	do { } while (0)
#define lockdep_set_class(lock, key)		do { (void)(key); } while (0)
#define lockdep_set_class_and_name(lock, key, name) \
	do { (void)(key); (void)(name); } while (0)
#define lockdep_set_subclass(lock, sub)		do { } while (0)
#define lockdep_set_novalidate_class(lock)	do { } while (0)
#define lockdep_register_key(key)		do { (void)(key); } while (0)
#define lockdep_unregister_key(key)		do { (void)(key); } while (0)
#define SINGLE_DEPTH_NESTING			1

#endif
