/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_JIFFIES_H
#define _KTHREADS_LINUX_JIFFIES_H

#include <linux/types.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/time64.h>
#include <linux/typecheck.h>
#include <asm/param.h>

extern volatile unsigned long jiffies;
#define jiffies_64		((u64)jiffies)

/* The low 32 bits wrap five minutes after the start. */
#define INITIAL_JIFFIES		((unsigned long)(unsigned int)(-300 * HZ))
#define MAX_JIFFY_OFFSET	((LONG_MAX >> 1) - 1)
#define TICK_NSEC		(NSEC_PER_SEC / HZ)
#define __MSEC_PER_JIFFY	(MSEC_PER_SEC / HZ)
#define __USEC_PER_JIFFY	(USEC_PER_SEC / HZ)

static inline u64 get_jiffies_64(void)
{
	return jiffies;
}

/* Right across the wrap: the signed difference decides. */
#define time_after(a, b) \
	(typecheck(unsigned long, a) && typecheck(unsigned long, b) && \
	 (long)((b) - (a)) < 0)
#define time_before(a, b)	time_after(b, a)
#define time_after_eq(a, b) \
	(typecheck(unsigned long, a) && typecheck(unsigned long, b) && \
	 (long)((a) - (b)) >= 0)
#define time_before_eq(a, b)	time_after_eq(b, a)
#define time_in_range(a, from, to) \
	(time_after_eq(a, from) && time_before_eq(a, to))
#define time_in_range_open(a, from, to) \
	(time_after_eq(a, from) && time_before(a, to))
#define time_after64(a, b) \
	(typecheck(u64, a) && typecheck(u64, b) && (s64)((b) - (a)) < 0)
#define time_before64(a, b)	time_after64(b, a)
#define time_after_eq64(a, b) \
	(typecheck(u64, a) && typecheck(u64, b) && (s64)((a) - (b)) >= 0)
#define time_before_eq64(a, b)	time_after_eq64(b, a)
#define time_is_before_jiffies(a)	time_after(jiffies, a)
#define time_is_after_jiffies(a)	time_before(jiffies, a)
#define time_is_before_eq_jiffies(a)	time_after_eq(jiffies, a)
#define time_is_after_eq_jiffies(a)	time_before_eq(jiffies, a)

static inline unsigned int jiffies_to_msecs(const unsigned long j)
{
	return __MSEC_PER_JIFFY * j;
}

static inline unsigned int jiffies_to_usecs(const unsigned long j)
{
	return __USEC_PER_JIFFY * j;
}

static inline u64 jiffies_to_nsecs(const unsigned long j)
{
	return (u64)TICK_NSEC * j;
}

static inline u64 jiffies64_to_nsecs(u64 j)
{
	return (u64)TICK_NSEC * j;
}

static inline u64 jiffies64_to_msecs(u64 j)
{
	return (u64)__MSEC_PER_JIFFY * j;
}

/* Rounds up; a value that is negative as an int stands for ever. */
static inline unsigned long msecs_to_jiffies(const unsigned int m)
{
	return (int)m < 0 ? MAX_JIFFY_OFFSET
			  : ((unsigned long)m + __MSEC_PER_JIFFY - 1) / __MSEC_PER_JIFFY;
}

static inline unsigned long usecs_to_jiffies(const unsigned int u)
{
	return u > jiffies_to_usecs(MAX_JIFFY_OFFSET) ? MAX_JIFFY_OFFSET
		: ((unsigned long)u + __USEC_PER_JIFFY - 1) / __USEC_PER_JIFFY;
}

#define secs_to_jiffies(secs)	((unsigned long)((secs) * HZ))

static inline u64 nsecs_to_jiffies64(u64 n)
{
	return n / TICK_NSEC;
}

static inline unsigned long nsecs_to_jiffies(u64 n)
{
	return nsecs_to_jiffies64(n);
}

static inline clock_t jiffies_to_clock_t(unsigned long j)
{
	return j * USER_HZ / HZ;
}

static inline unsigned long timespec64_to_jiffies(const struct timespec64 *ts)
{
	return ts->tv_sec * HZ + DIV_ROUND_UP(ts->tv_nsec, TICK_NSEC);
}

static inline void jiffies_to_timespec64(const unsigned long j,
					 struct timespec64 *ts)
{
	*ts = ns_to_timespec64((s64)jiffies_to_nsecs(j));
}

/* Moves @j to a full second: down only from its first quarter, never past now. */
static inline unsigned long __round_jiffies_to(unsigned long j, unsigned long base,
					       bool up)
{
	unsigned long from = j + base, rest = from % HZ;
	unsigned long rounded = rest < HZ / 4 && !up ? from - rest : from - rest + HZ;

	return time_is_after_jiffies(rounded) ? rounded - base : j;
}

static inline unsigned long round_jiffies(unsigned long j)
{
	return __round_jiffies_to(j, 0, false);
}

static inline unsigned long round_jiffies_up(unsigned long j)
{
	return __round_jiffies_to(j, 0, true);
}

static inline unsigned long round_jiffies_relative(unsigned long j)
{
	return __round_jiffies_to(j, jiffies, false);
}

static inline unsigned long round_jiffies_up_relative(unsigned long j)
{
	return __round_jiffies_to(j, jiffies, true);
}

#endif
