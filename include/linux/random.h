/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_RANDOM_H
#define _KTHREADS_LINUX_RANDOM_H

#include <linux/types.h>
#include <linux/math.h>

extern void get_random_bytes(void *buf, size_t len);
extern u32 get_random_u32(void);
extern u64 get_random_u64(void);

static inline u8 get_random_u8(void)
{
	return get_random_u32();
}

static inline u16 get_random_u16(void)
{
	return get_random_u32();
}

static inline unsigned long get_random_long(void)
{
	return get_random_u64();
}

static inline u32 get_random_u32_below(u32 ceil)
{
	return reciprocal_scale(get_random_u32(), ceil);
}

static inline u32 get_random_u32_above(u32 floor)
{
	return floor + 1 + get_random_u32_below(~0U - floor);
}

static inline u32 get_random_u32_inclusive(u32 floor, u32 ceil)
{
	u32 span = ceil - floor + 1;

	return span ? floor + get_random_u32_below(span) : get_random_u32();
}

#define get_random_int()		((unsigned int)get_random_u32())
#define wait_for_random_bytes()		0
#define get_random_bytes_wait(buf, len)	(get_random_bytes(buf, len), 0)

#include <linux/prandom.h>

#endif
