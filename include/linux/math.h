/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_MATH_H
#define _KTHREADS_LINUX_MATH_H

#include <linux/types.h>

#define __round_mask(x, y)	((__typeof__(x))((y) - 1))
#define round_up(x, y)		((((x) - 1) | __round_mask(x, y)) + 1)
#define round_down(x, y)	((x) & ~__round_mask(x, y))
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define DIV_ROUND_UP_ULL(n, d)	DIV_ROUND_UP((unsigned long long)(n), (d))
#define DIV_ROUND_DOWN_ULL(n, d) ((unsigned long long)(n) / (d))
#define DIV_ROUND_CLOSEST(x, divisor) ({				\
	__typeof__(x) __drc_x = (x);					\
	__typeof__(divisor) __drc_d = (divisor);			\
	(((__typeof__(x))-1) > 0 || ((__typeof__(divisor))-1) > 0 ||	\
	 ((__drc_x > 0) == (__drc_d > 0))) ?				\
		(__drc_x + __drc_d / 2) / __drc_d :			\
		(__drc_x - __drc_d / 2) / __drc_d; })
#define roundup(x, y) ({			\
	__typeof__(y) __ru_y = (y);		\
	(((x) + (__ru_y - 1)) / __ru_y) * __ru_y; })
#define rounddown(x, y) ({			\
	__typeof__(x) __rd_x = (x);		\
	__rd_x - __rd_x % (y); })
#define mult_frac(x, n, d) ({			\
	__typeof__(x) __mf_x = (x);		\
	__mf_x / (d) * (n) + __mf_x % (d) * (n) / (d); })

/* The value keeps the type of @x, as a signed type of its width. */
#define abs(x) ({				\
	__typeof__(+(x)) __abs_x = (x);		\
	__abs_x < 0 ? -__abs_x : __abs_x; })
#define abs_diff(a, b) ({			\
	__typeof__(a) __ad_a = (a);		\
	__typeof__(b) __ad_b = (b);		\
	__ad_a > __ad_b ? __ad_a - __ad_b : __ad_b - __ad_a; })

/* The integer square root, rounded down. */
static inline unsigned long int_sqrt(unsigned long x)
{
	unsigned long root = 0, bit = 1UL << 62;

	for (; bit > x; bit >>= 2)
		;
	for (; bit; bit >>= 2) {
		if (x >= root + bit) {
			x -= root + bit;
			root += bit << 1;
		}
		root >>= 1;
	}
	return root;
}

/* Scales @val from the range 0..2^32-1 to 0..ep_ro-1. */
static inline u32 reciprocal_scale(u32 val, u32 ep_ro)
{
	return (u32)(((u64)val * ep_ro) >> 32);
}

#endif
