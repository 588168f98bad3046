/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_PRANDOM_H
#define _KTHREADS_LINUX_PRANDOM_H

#include <linux/random.h>

static inline u32 prandom_u32_max(u32 ceil)
{
	return get_random_u32_below(ceil);
}

#define prandom_u32()			get_random_u32()
#define prandom_bytes(buf, len)		get_random_bytes(buf, len)
#define random32()			get_random_u32()
#define net_random()			get_random_u32()

#endif
