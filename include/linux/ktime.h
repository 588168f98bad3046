/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_KTIME_H
#define _KTHREADS_LINUX_KTIME_H

#include <linux/types.h>
#include <linux/time64.h>
#include <linux/jiffies.h>

typedef s64 ktime_t;

#define KTIME_MAX	((s64)(~0ULL >> 1))
#define KTIME_MIN	(-KTIME_MAX - 1)
#define KTIME_SEC_MAX	(KTIME_MAX / NSEC_PER_SEC)

#define ktime_add(a, b)		((ktime_t)((a) + (b)))
#define ktime_sub(a, b)		((ktime_t)((a) - (b)))
#define ktime_add_ns(kt, ns)	((ktime_t)((kt) + (ns)))
#define ktime_sub_ns(kt, ns)	((ktime_t)((kt) - (ns)))
#define ktime_to_timespec64(kt)	ns_to_timespec64(kt)

static inline ktime_t ktime_set(s64 secs, unsigned long nsecs)
{
	return secs >= KTIME_SEC_MAX ? KTIME_MAX
				     : secs * NSEC_PER_SEC + (s64)nsecs;
}

/* The sum, or KTIME_MAX where it does not fit. */
static inline ktime_t ktime_add_safe(ktime_t a, ktime_t b)
{
	ktime_t sum;

	return __builtin_add_overflow(a, b, &sum) || sum < 0 ? KTIME_MAX : sum;
}

static inline s64 ktime_to_ns(ktime_t kt)
{
	return kt;
}

static inline s64 ktime_to_us(ktime_t kt)
{
	return kt / NSEC_PER_USEC;
}

static inline s64 ktime_to_ms(ktime_t kt)
{
	return kt / NSEC_PER_MSEC;
}

static inline s64 ktime_divns(ktime_t kt, s64 div)
{
	return kt / div;
}

static inline ktime_t ns_to_ktime(u64 ns)
{
	return ns;
}

static inline ktime_t us_to_ktime(u64 us)
{
	return us * NSEC_PER_USEC;
}

static inline ktime_t ms_to_ktime(u64 ms)
{
	return ms * NSEC_PER_MSEC;
}

static inline ktime_t timespec64_to_ktime(struct timespec64 ts)
{
	return ktime_set(ts.tv_sec, ts.tv_nsec);
}

static inline ktime_t ktime_add_us(ktime_t kt, u64 us)
{
	return kt + us_to_ktime(us);
}

static inline ktime_t ktime_add_ms(ktime_t kt, u64 ms)
{
	return kt + ms_to_ktime(ms);
}

static inline ktime_t ktime_sub_us(ktime_t kt, u64 us)
{
	return kt - us_to_ktime(us);
}

static inline ktime_t ktime_sub_ms(ktime_t kt, u64 ms)
{
	return kt - ms_to_ktime(ms);
}

static inline int ktime_compare(ktime_t a, ktime_t b)
{
	return a < b ? -1 : a > b;
}

static inline bool ktime_after(ktime_t a, ktime_t b)
{
	return a > b;
}

static inline bool ktime_before(ktime_t a, ktime_t b)
{
	return a < b;
}

static inline s64 ktime_us_delta(ktime_t later, ktime_t earlier)
{
	return ktime_to_us(later - earlier);
}

static inline s64 ktime_ms_delta(ktime_t later, ktime_t earlier)
{
	return ktime_to_ms(later - earlier);
}

#include <linux/timekeeping.h>

#endif
