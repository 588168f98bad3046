/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_ATOMIC_H
#define _KTHREADS_LINUX_ATOMIC_H

#include <linux/types.h>
#include <asm/barrier.h>
#include <asm/cmpxchg.h>

/*
 * One family of operations for each counter type. Those that return a value
 * are fully ordered, the others not at all, and the _relaxed, _acquire and
 * _release forms as they are named.
 */
#define __ATOMIC_RETURNING(name, T, I, suffix, order)			\
static inline I name##_add_return##suffix(I i, T *v)			\
{ return __atomic_add_fetch(&v->counter, i, order); }			\
static inline I name##_sub_return##suffix(I i, T *v)			\
{ return __atomic_sub_fetch(&v->counter, i, order); }			\
static inline I name##_inc_return##suffix(T *v)				\
{ return __atomic_add_fetch(&v->counter, 1, order); }			\
static inline I name##_dec_return##suffix(T *v)				\
{ return __atomic_sub_fetch(&v->counter, 1, order); }			\
static inline I name##_fetch_add##suffix(I i, T *v)			\
{ return __atomic_fetch_add(&v->counter, i, order); }			\
static inline I name##_fetch_sub##suffix(I i, T *v)			\
{ return __atomic_fetch_sub(&v->counter, i, order); }			\
static inline I name##_fetch_inc##suffix(T *v)				\
{ return __atomic_fetch_add(&v->counter, 1, order); }			\
static inline I name##_fetch_dec##suffix(T *v)				\
{ return __atomic_fetch_sub(&v->counter, 1, order); }			\
static inline I name##_fetch_and##suffix(I i, T *v)			\
{ return __atomic_fetch_and(&v->counter, i, order); }			\
static inline I name##_fetch_andnot##suffix(I i, T *v)			\
{ return __atomic_fetch_and(&v->counter, ~i, order); }			\
static inline I name##_fetch_or##suffix(I i, T *v)			\
{ return __atomic_fetch_or(&v->counter, i, order); }			\
static inline I name##_fetch_xor##suffix(I i, T *v)			\
{ return __atomic_fetch_xor(&v->counter, i, order); }			\
static inline I name##_xchg##suffix(T *v, I i)				\
{ return __atomic_exchange_n(&v->counter, i, order); }			\
static inline I name##_cmpxchg##suffix(T *v, I old, I new)		\
{ return __cmpxchg_order(&v->counter, old, new, order); }		\
static inline bool name##_try_cmpxchg##suffix(T *v, I *old, I new)	\
{									\
	I found = __cmpxchg_order(&v->counter, *old, new, order);	\
	bool done = found == *old;					\
									\
	*old = found;							\
	return done;							\
}

#define __ATOMIC_PLAIN(name, T, I)					\
static inline I name##_read(const T *v)					\
{ return __atomic_load_n(&v->counter, __ATOMIC_RELAXED); }		\
static inline I name##_read_acquire(const T *v)				\
{ return __atomic_load_n(&v->counter, __ATOMIC_ACQUIRE); }		\
static inline void name##_set(T *v, I i)				\
{ __atomic_store_n(&v->counter, i, __ATOMIC_RELAXED); }			\
static inline void name##_set_release(T *v, I i)			\
{ __atomic_store_n(&v->counter, i, __ATOMIC_RELEASE); }			\
static inline void name##_add(I i, T *v)				\
{ (void)__atomic_fetch_add(&v->counter, i, __ATOMIC_RELAXED); }		\
static inline void name##_sub(I i, T *v)				\
{ (void)__atomic_fetch_sub(&v->counter, i, __ATOMIC_RELAXED); }		\
static inline void name##_inc(T *v)					\
{ (void)__atomic_fetch_add(&v->counter, 1, __ATOMIC_RELAXED); }		\
static inline void name##_dec(T *v)					\
{ (void)__atomic_fetch_sub(&v->counter, 1, __ATOMIC_RELAXED); }		\
static inline void name##_and(I i, T *v)				\
{ (void)__atomic_fetch_and(&v->counter, i, __ATOMIC_RELAXED); }		\
static inline void name##_andnot(I i, T *v)				\
{ (void)__atomic_fetch_and(&v->counter, ~i, __ATOMIC_RELAXED); }	\
static inline void name##_or(I i, T *v)					\
{ (void)__atomic_fetch_or(&v->counter, i, __ATOMIC_RELAXED); }		\
static inline void name##_xor(I i, T *v)				\
{ (void)__atomic_fetch_xor(&v->counter, i, __ATOMIC_RELAXED); }

#define __ATOMIC_TESTING(name, T, I)					\
static inline bool name##_inc_and_test(T *v)				\
{ return name##_inc_return(v) == 0; }					\
static inline bool name##_dec_and_test(T *v)				\
{ return name##_dec_return(v) == 0; }					\
static inline bool name##_sub_and_test(I i, T *v)			\
{ return name##_sub_return(i, v) == 0; }				\
static inline bool name##_add_negative(I i, T *v)			\
{ return name##_add_return(i, v) < 0; }					\
/* Adds unless the value is @u; returns the value found. */		\
static inline I name##_fetch_add_unless(T *v, I a, I u)			\
{									\
	I old = name##_read(v);						\
									\
	while (old != u && !name##_try_cmpxchg(v, &old, old + a))	\
		;							\
	return old;							\
}									\
static inline bool name##_add_unless(T *v, I a, I u)			\
{ return name##_fetch_add_unless(v, a, u) != u; }			\
static inline bool name##_inc_not_zero(T *v)				\
{ return name##_add_unless(v, 1, 0); }					\
static inline bool name##_inc_unless_negative(T *v)			\
{									\
	I old = name##_read(v);						\
									\
	while (old >= 0 && !name##_try_cmpxchg(v, &old, old + 1))	\
		;							\
	return old >= 0;						\
}									\
static inline bool name##_dec_unless_positive(T *v)			\
{									\
	I old = name##_read(v);						\
									\
	while (old <= 0 && !name##_try_cmpxchg(v, &old, old - 1))	\
		;							\
	return old <= 0;						\
}									\
/* Returns the old value minus one, stored only if that is not negative. */ \
static inline I name##_dec_if_positive(T *v)				\
{									\
	I old = name##_read(v);						\
									\
	while (old > 0 && !name##_try_cmpxchg(v, &old, old - 1))	\
		;							\
	return old - 1;							\
}

#define __ATOMIC_FAMILY(name, T, I)					\
	__ATOMIC_PLAIN(name, T, I)					\
	__ATOMIC_RETURNING(name, T, I, , __ATOMIC_SEQ_CST)		\
	__ATOMIC_RETURNING(name, T, I, _relaxed, __ATOMIC_RELAXED)	\
	__ATOMIC_RETURNING(name, T, I, _acquire, __ATOMIC_ACQUIRE)	\
	__ATOMIC_RETURNING(name, T, I, _release, __ATOMIC_RELEASE)	\
	__ATOMIC_TESTING(name, T, I)

__ATOMIC_FAMILY(atomic, atomic_t, int)
__ATOMIC_FAMILY(atomic64, atomic64_t, s64)
__ATOMIC_FAMILY(atomic_long, atomic_long_t, long)

#define atomic_cond_read_relaxed(v, c)	smp_cond_load_relaxed(&(v)->counter, (c))
#define atomic_cond_read_acquire(v, c)	smp_cond_load_acquire(&(v)->counter, (c))

#endif
