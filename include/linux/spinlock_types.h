/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_SPINLOCK_TYPES_H
#define _KTHREADS_LINUX_SPINLOCK_TYPES_H

#include <linux/types.h>

/* All zero is a valid unlocked lock. */
typedef struct spinlock {
	u32 __lock;
	u32 __owner;
} spinlock_t;

typedef spinlock_t raw_spinlock_t;

#define __SPIN_LOCK_UNLOCKED(name)	((spinlock_t){ 0, 0 })
#define __RAW_SPIN_LOCK_UNLOCKED(name)	((raw_spinlock_t){ 0, 0 })
#define DEFINE_SPINLOCK(name) \
	spinlock_t name = __SPIN_LOCK_UNLOCKED(name)
#define DEFINE_RAW_SPINLOCK(name) \
	raw_spinlock_t name = __RAW_SPIN_LOCK_UNLOCKED(name)

/* The initialiser of before 2.6.39. */
#define SPIN_LOCK_UNLOCKED	((spinlock_t){ 0, 0 })

#endif
