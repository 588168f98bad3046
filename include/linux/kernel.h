/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_KERNEL_H
#define _KTHREADS_LINUX_KERNEL_H

#include <linux/stdarg.h>
#include <linux/limits.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <linux/compiler.h>
#include <linux/align.h>
#include <linux/container_of.h>
#include <linux/build_bug.h>
#include <linux/bitops.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/typecheck.h>
#include <linux/kstrtox.h>
#include <linux/printk.h>
#include <linux/sprintf.h>
#include <linux/bug.h>
#include <linux/preempt.h>
#include <linux/might_sleep.h>
#include <asm/div64.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]) +	\
	BUILD_BUG_ON_ZERO(__same_type((array), &(array)[0])))

#define upper_32_bits(n)	((u32)(((n) >> 16) >> 16))
#define lower_32_bits(n)	((u32)((n) & 0xffffffff))
#define upper_16_bits(n)	((u16)((n) >> 16))
#define lower_16_bits(n)	((u16)((n) & 0xffff))

#define REPEAT_BYTE(x)		((~0ul / 0xff) * (x))
#define PTR_IF(cond, ptr)	((cond) ? (ptr) : NULL)

extern void __noreturn __printf(1, 2) panic(const char *fmt, ...);

static inline char hex_asc_digit(unsigned int nibble)
{
	return "0123456789abcdef"[nibble & 0xf];
}

#define hex_asc_lo(x)		hex_asc_digit(x)
#define hex_asc_hi(x)		hex_asc_digit((x) >> 4)
#define might_fault()		do { } while (0)

#endif
