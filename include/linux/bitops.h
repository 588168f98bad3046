/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_BITOPS_H
#define _KTHREADS_LINUX_BITOPS_H

#include <linux/types.h>
#include <linux/bits.h>
#include <asm/barrier.h>

#define BITOP_WORD(nr)	((unsigned long)(nr) / BITS_PER_LONG)

static inline void set_bit(long nr, volatile unsigned long *addr)
{
	(void)__atomic_fetch_or(addr + BITOP_WORD(nr), BIT_MASK(nr), __ATOMIC_RELAXED);
}

static inline void clear_bit(long nr, volatile unsigned long *addr)
{
	(void)__atomic_fetch_and(addr + BITOP_WORD(nr), ~BIT_MASK(nr), __ATOMIC_RELAXED);
}

static inline void change_bit(long nr, volatile unsigned long *addr)
{
	(void)__atomic_fetch_xor(addr + BITOP_WORD(nr), BIT_MASK(nr), __ATOMIC_RELAXED);
}

static inline bool test_bit(long nr, const volatile unsigned long *addr)
{
	return (READ_ONCE(addr[BITOP_WORD(nr)]) & BIT_MASK(nr)) != 0;
}

static inline bool test_bit_acquire(long nr, const volatile unsigned long *addr)
{
	return (smp_load_acquire(addr + BITOP_WORD(nr)) & BIT_MASK(nr)) != 0;
}

static inline bool test_and_set_bit(long nr, volatile unsigned long *addr)
{
	return (__atomic_fetch_or(addr + BITOP_WORD(nr), BIT_MASK(nr),
				  __ATOMIC_SEQ_CST) & BIT_MASK(nr)) != 0;
}

static inline bool test_and_clear_bit(long nr, volatile unsigned long *addr)
{
	return (__atomic_fetch_and(addr + BITOP_WORD(nr), ~BIT_MASK(nr),
				   __ATOMIC_SEQ_CST) & BIT_MASK(nr)) != 0;
}

static inline bool test_and_change_bit(long nr, volatile unsigned long *addr)
{
	return (__atomic_fetch_xor(addr + BITOP_WORD(nr), BIT_MASK(nr),
				   __ATOMIC_SEQ_CST) & BIT_MASK(nr)) != 0;
}

static inline bool test_and_set_bit_lock(long nr, volatile unsigned long *addr)
{
	return (__atomic_fetch_or(addr + BITOP_WORD(nr), BIT_MASK(nr),
				  __ATOMIC_ACQUIRE) & BIT_MASK(nr)) != 0;
}

static inline void clear_bit_unlock(long nr, volatile unsigned long *addr)
{
	(void)__atomic_fetch_and(addr + BITOP_WORD(nr), ~BIT_MASK(nr), __ATOMIC_RELEASE);
}

#define __clear_bit_unlock(nr, addr)	clear_bit_unlock(nr, addr)

/* The forms with underscores are plain accesses: the caller has a lock. */
static inline void __set_bit(long nr, volatile unsigned long *addr)
{
	((unsigned long *)addr)[BITOP_WORD(nr)] |= BIT_MASK(nr);
}

static inline void __clear_bit(long nr, volatile unsigned long *addr)
{
	((unsigned long *)addr)[BITOP_WORD(nr)] &= ~BIT_MASK(nr);
}

static inline void __change_bit(long nr, volatile unsigned long *addr)
{
	((unsigned long *)addr)[BITOP_WORD(nr)] ^= BIT_MASK(nr);
}

static inline bool __test_and_set_bit(long nr, volatile unsigned long *addr)
{
	bool old = test_bit(nr, addr);

	__set_bit(nr, addr);
	return old;
}

static inline bool __test_and_clear_bit(long nr, volatile unsigned long *addr)
{
	bool old = test_bit(nr, addr);

	__clear_bit(nr, addr);
	return old;
}

static inline void assign_bit(long nr, volatile unsigned long *addr, bool value)
{
	if (value)
		set_bit(nr, addr);
	else
		clear_bit(nr, addr);
}

static inline void __assign_bit(long nr, volatile unsigned long *addr, bool value)
{
	if (value)
		__set_bit(nr, addr);
	else
		__clear_bit(nr, addr);
}

/* ffs and fls count from 1 and give 0 for no bit; the __ forms from 0. */
static inline __attribute_const__ int ffs(int x)
{
	return __builtin_ffs(x);
}

static inline __attribute_const__ int fls(unsigned int x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

static inline __attribute_const__ int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

static inline __attribute_const__ int fls_long(unsigned long x)
{
	return fls64(x);
}

static inline __attribute_const__ unsigned long __ffs(unsigned long x)
{
	return __builtin_ctzl(x);
}

static inline __attribute_const__ unsigned long __ffs64(u64 x)
{
	return __builtin_ctzll(x);
}

static inline __attribute_const__ unsigned long __fls(unsigned long x)
{
	return 63 - __builtin_clzl(x);
}

#define ffz(x)		__ffs(~(unsigned long)(x))

/* Counts set bits without a table and without a library call. */
static inline __attribute_const__ unsigned int hweight64(u64 x)
{
	x -= (x >> 1) & 0x5555555555555555ULL;
	x = (x & 0x3333333333333333ULL) + ((x >> 2) & 0x3333333333333333ULL);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (x * 0x0101010101010101ULL) >> 56;
}

#define hweight32(x)	hweight64((u32)(x))
#define hweight16(x)	hweight64((u16)(x))
#define hweight8(x)	hweight64((u8)(x))
#define hweight_long(x)	hweight64(x)

static inline u32 rol32(u32 word, unsigned int shift)
{
	return (word << (shift & 31)) | (word >> (-shift & 31));
}

static inline u32 ror32(u32 word, unsigned int shift)
{
	return (word >> (shift & 31)) | (word << (-shift & 31));
}

static inline u64 rol64(u64 word, unsigned int shift)
{
	return (word << (shift & 63)) | (word >> (-shift & 63));
}

static inline u64 ror64(u64 word, unsigned int shift)
{
	return (word >> (shift & 63)) | (word << (-shift & 63));
}

#include <linux/find.h>

#endif
