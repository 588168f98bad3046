/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_DIV64_H
#define _KTHREADS_ASM_DIV64_H

#include <linux/types.h>

/* Divides the u64 lvalue @n by @base in place; the value is the remainder. */
#define do_div(n, base) ({			\
	u32 __do_div_base = (base);		\
	u32 __do_div_rem = (u64)(n) % __do_div_base; \
	(n) = (u64)(n) / __do_div_base;		\
	__do_div_rem; })

#endif
