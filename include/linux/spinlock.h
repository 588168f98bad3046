/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_SPINLOCK_H
#define _KTHREADS_LINUX_SPINLOCK_H

#include <linux/typecheck.h>
#include <linux/preempt.h>
#include <linux/irqflags.h>
#include <linux/bottom_half.h>
#include <linux/kernel.h>
#include <linux/atomic.h>
#include <linux/lockdep.h>
#include <linux/spinlock_types.h>

extern void __raw_spin_lock_init(raw_spinlock_t *lock, const char *name,
				 struct lock_class_key *key);
extern void _raw_spin_lock(raw_spinlock_t *lock);
extern void _raw_spin_lock_nested(raw_spinlock_t *lock, int subclass);
extern void _raw_spin_lock_nest_lock(raw_spinlock_t *lock, const void *outer);
extern void _raw_spin_lock_bh_nested(raw_spinlock_t *lock, int subclass);
extern unsigned long _raw_spin_lock_irqsave_nested(raw_spinlock_t *lock,
						   int subclass);
extern void _raw_spin_lock_irq(raw_spinlock_t *lock);
extern void _raw_spin_lock_bh(raw_spinlock_t *lock);
extern unsigned long _raw_spin_lock_irqsave(raw_spinlock_t *lock);
extern int _raw_spin_trylock(raw_spinlock_t *lock);
extern int _raw_spin_trylock_bh(raw_spinlock_t *lock);
extern void _raw_spin_unlock(raw_spinlock_t *lock);
extern void _raw_spin_unlock_irq(raw_spinlock_t *lock);
extern void _raw_spin_unlock_bh(raw_spinlock_t *lock);
extern void _raw_spin_unlock_irqrestore(raw_spinlock_t *lock, unsigned long flags);

/* One class of locks for each place of initialisation. */
#define raw_spin_lock_init(lock) do {			\
	static struct lock_class_key __key;		\
	__raw_spin_lock_init((lock), #lock, &__key);	\
} while (0)
#define raw_spin_lock(lock)		_raw_spin_lock(lock)
#define raw_spin_lock_irq(lock)		_raw_spin_lock_irq(lock)
#define raw_spin_lock_bh(lock)		_raw_spin_lock_bh(lock)
#define raw_spin_lock_irqsave(lock, flags) do {	\
	typecheck(unsigned long, flags);	\
	flags = _raw_spin_lock_irqsave(lock);	\
} while (0)
#define raw_spin_unlock(lock)		_raw_spin_unlock(lock)
#define raw_spin_unlock_irq(lock)	_raw_spin_unlock_irq(lock)
#define raw_spin_unlock_bh(lock)	_raw_spin_unlock_bh(lock)
#define raw_spin_unlock_irqrestore(lock, flags) do {	\
	typecheck(unsigned long, flags);		\
	_raw_spin_unlock_irqrestore(lock, flags);	\
} while (0)
#define raw_spin_trylock(lock)		_raw_spin_trylock(lock)
#define raw_spin_trylock_bh(lock)	_raw_spin_trylock_bh(lock)
#define raw_spin_is_locked(lock)	(READ_ONCE((lock)->__lock) != 0)

#define raw_spin_trylock_irq(lock) ({		\
	local_irq_disable();			\
	raw_spin_trylock(lock) ?		\
		1 : ({ local_irq_enable(); 0; }); })
#define raw_spin_trylock_irqsave(lock, flags) ({	\
	local_irq_save(flags);				\
	raw_spin_trylock(lock) ?			\
		1 : ({ local_irq_restore(flags); 0; }); })

#define raw_spin_lock_nested(lock, sub)		_raw_spin_lock_nested(lock, sub)
#define raw_spin_lock_nest_lock(lock, outer)	_raw_spin_lock_nest_lock(lock, outer)
#define raw_spin_lock_irqsave_nested(lock, flags, sub) do {	\
	typecheck(unsigned long, flags);			\
	flags = _raw_spin_lock_irqsave_nested(lock, sub);	\
} while (0)

static __always_inline void spin_lock(spinlock_t *lock)
{
	_raw_spin_lock(lock);
}

static __always_inline void spin_lock_irq(spinlock_t *lock)
{
	_raw_spin_lock_irq(lock);
}

static __always_inline void spin_lock_bh(spinlock_t *lock)
{
	_raw_spin_lock_bh(lock);
}

static __always_inline int spin_trylock(spinlock_t *lock)
{
	return _raw_spin_trylock(lock);
}

static __always_inline int spin_trylock_bh(spinlock_t *lock)
{
	return _raw_spin_trylock_bh(lock);
}

static __always_inline void spin_unlock(spinlock_t *lock)
{
	_raw_spin_unlock(lock);
}

static __always_inline void spin_unlock_irq(spinlock_t *lock)
{
	_raw_spin_unlock_irq(lock);
}

static __always_inline void spin_unlock_bh(spinlock_t *lock)
{
	_raw_spin_unlock_bh(lock);
}

static __always_inline void spin_unlock_irqrestore(spinlock_t *lock,
						   unsigned long flags)
{
	_raw_spin_unlock_irqrestore(lock, flags);
}

static __always_inline int spin_is_locked(spinlock_t *lock)
{
	return raw_spin_is_locked(lock);
}

#define spin_lock_init(lock)		raw_spin_lock_init(lock)
#define spin_lock_irqsave(lock, flags)	raw_spin_lock_irqsave(lock, flags)
#define spin_trylock_irq(lock)		raw_spin_trylock_irq(lock)
#define spin_trylock_irqsave(lock, flags) raw_spin_trylock_irqsave(lock, flags)
#define spin_lock_nested(lock, sub)	raw_spin_lock_nested(lock, sub)
#define spin_lock_nest_lock(lock, outer) raw_spin_lock_nest_lock(lock, outer)
#define spin_lock_bh_nested(lock, sub)	_raw_spin_lock_bh_nested(lock, sub)
#define spin_lock_irqsave_nested(lock, flags, sub) \
	raw_spin_lock_irqsave_nested(lock, flags, sub)
#define assert_spin_locked(lock)	BUG_ON(!spin_is_locked(lock))
#define assert_raw_spin_locked(lock)	BUG_ON(!raw_spin_is_locked(lock))

/* Takes @lock if this brings @v to zero; true means that it is held. */
static inline int atomic_dec_and_lock(atomic_t *v, spinlock_t *lock)
{
	if (atomic_add_unless(v, -1, 1))
		return 0;
	spin_lock(lock);
	if (atomic_dec_and_test(v))
		return 1;
	spin_unlock(lock);
	return 0;
}

#endif
