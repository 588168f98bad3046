/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_MINMAX_H
#define _KTHREADS_LINUX_MINMAX_H

#include <linux/types.h>

/*
 * Each argument is evaluated once, and a comparison of the addresses of the
 * copies makes the compiler warn about different types. Two constants give a
 * constant expression.
 */
#define __both_constant(a, b) \
	(__builtin_constant_p(a) && __builtin_constant_p(b))

#define __compare_once(op, a, b, ua, ub) ({	\
	__typeof__(a) ua = (a);			\
	__typeof__(b) ub = (b);			\
	(void)(&ua == &ub);			\
	ua op ub ? ua : ub; })

#define __compare(op, a, b)						\
	__builtin_choose_expr(__both_constant(a, b) && __same_type(a, b),	\
		((a) op (b) ? (a) : (b)),				\
		__compare_once(op, a, b, __UNIQUE_ID(left), __UNIQUE_ID(right)))

#define min(a, b)		__compare(<, a, b)
#define max(a, b)		__compare(>, a, b)
#define min_t(type, a, b)	__compare(<, (type)(a), (type)(b))
#define max_t(type, a, b)	__compare(>, (type)(a), (type)(b))
#define umin(a, b)		min_t(u64, a, b)
#define umax(a, b)		max_t(u64, a, b)
#define min3(a, b, c)		min((__typeof__(a))min(a, b), c)
#define max3(a, b, c)		max((__typeof__(a))max(a, b), c)

#define min_not_zero(a, b) ({					\
	__typeof__(a) __mnz_a = (a);				\
	__typeof__(b) __mnz_b = (b);				\
	!__mnz_a ? __mnz_b : !__mnz_b ? __mnz_a : min(__mnz_a, __mnz_b); })

#define clamp(val, lo, hi)	min((__typeof__(val))max(val, lo), hi)
#define clamp_t(type, val, lo, hi) min_t(type, max_t(type, val, lo), hi)
#define clamp_val(val, lo, hi)	clamp_t(__typeof__(val), val, lo, hi)

#define swap(a, b) do {				\
	__typeof__(a) __swap_a = (a);		\
	(a) = (b);				\
	(b) = __swap_a;				\
} while (0)

#define in_range(val, start, len) \
	((u64)(val) - (u64)(start) < (u64)(len))

#endif
