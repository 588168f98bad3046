/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_FIND_H
#define _KTHREADS_LINUX_FIND_H

/* Included by linux/bitops.h: searches return @size when nothing is found. */
#include <linux/types.h>
#include <linux/bits.h>

/* The first bit from @from on that is set in addr ^ @invert. */
static inline unsigned long __find_from(const unsigned long *addr,
					unsigned long size, unsigned long from,
					unsigned long invert)
{
	unsigned long base = from & ~(BITS_PER_LONG - 1UL);
	unsigned long word, found;

	if (from >= size)
		return size;
	word = (addr[base / BITS_PER_LONG] ^ invert) & (~0UL << (from - base));
	while (!word) {
		base += BITS_PER_LONG;
		if (base >= size)
			return size;
		word = addr[base / BITS_PER_LONG] ^ invert;
	}
	found = base + __builtin_ctzl(word);
	return found < size ? found : size;
}

static inline unsigned long find_next_bit(const unsigned long *addr,
					  unsigned long size, unsigned long from)
{
	return __find_from(addr, size, from, 0);
}

static inline unsigned long find_next_zero_bit(const unsigned long *addr,
					       unsigned long size,
					       unsigned long from)
{
	return __find_from(addr, size, from, ~0UL);
}

static inline unsigned long find_first_bit(const unsigned long *addr,
					   unsigned long size)
{
	return find_next_bit(addr, size, 0);
}

static inline unsigned long find_first_zero_bit(const unsigned long *addr,
						unsigned long size)
{
	return find_next_zero_bit(addr, size, 0);
}

static inline unsigned long find_last_bit(const unsigned long *addr,
					  unsigned long size)
{
	unsigned long nr = size;

	while (nr-- > 0)
		if (addr[nr / BITS_PER_LONG] >> (nr % BITS_PER_LONG) & 1)
			return nr;
	return size;
}

#define for_each_set_bit(bit, addr, size)			\
	for ((bit) = find_first_bit((addr), (size)); (bit) < (size);	\
	     (bit) = find_next_bit((addr), (size), (bit) + 1))
#define for_each_set_bit_from(bit, addr, size)			\
	for ((bit) = find_next_bit((addr), (size), (bit)); (bit) < (size); \
	     (bit) = find_next_bit((addr), (size), (bit) + 1))
#define for_each_clear_bit(bit, addr, size)			\
	for ((bit) = find_first_zero_bit((addr), (size)); (bit) < (size); \
	     (bit) = find_next_zero_bit((addr), (size), (bit) + 1))

#endif
