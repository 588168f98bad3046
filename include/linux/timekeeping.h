/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_TIMEKEEPING_H
#define _KTHREADS_LINUX_TIMEKEEPING_H

#include <linux/ktime.h>
#include <linux/errno.h>

enum tk_offsets {
	TK_OFFS_REAL,
	TK_OFFS_BOOT,
	TK_OFFS_TAI,
	TK_OFFS_MAX,
};

extern ktime_t ktime_get(void);
extern ktime_t ktime_get_with_offset(enum tk_offsets offs);
extern ktime_t ktime_get_raw(void);

static inline ktime_t ktime_get_real(void)
{
	return ktime_get_with_offset(TK_OFFS_REAL);
}

static inline ktime_t ktime_get_boottime(void)
{
	return ktime_get_with_offset(TK_OFFS_BOOT);
}

static inline ktime_t ktime_get_clocktai(void)
{
	return ktime_get_with_offset(TK_OFFS_TAI);
}

#define ktime_get_ns()			((u64)ktime_get())
#define ktime_get_real_ns()		((u64)ktime_get_real())
#define ktime_get_boottime_ns()		((u64)ktime_get_boottime())
#define ktime_get_boot_ns()		ktime_get_boottime_ns()
#define ktime_get_clocktai_ns()		((u64)ktime_get_clocktai())
#define ktime_get_raw_ns()		((u64)ktime_get_raw())
#define ktime_get_mono_fast_ns()	ktime_get_ns()
#define ktime_get_raw_fast_ns()		ktime_get_raw_ns()
#define ktime_get_boot_fast_ns()	ktime_get_boottime_ns()
#define ktime_get_real_fast_ns()	ktime_get_real_ns()
#define ktime_get_coarse()		ktime_get()
#define ktime_get_coarse_ns()		ktime_get_ns()
#define ktime_get_coarse_real()		ktime_get_real()
#define ktime_get_coarse_boottime()	ktime_get_boottime()

static inline time64_t ktime_get_seconds(void)
{
	return ktime_get() / NSEC_PER_SEC;
}

static inline time64_t ktime_get_real_seconds(void)
{
	return ktime_get_real() / NSEC_PER_SEC;
}

static inline time64_t ktime_get_boottime_seconds(void)
{
	return ktime_get_boottime() / NSEC_PER_SEC;
}

static inline void ktime_get_ts64(struct timespec64 *ts)
{
	*ts = ns_to_timespec64(ktime_get());
}

static inline void ktime_get_real_ts64(struct timespec64 *ts)
{
	*ts = ns_to_timespec64(ktime_get_real());
}

static inline void ktime_get_boottime_ts64(struct timespec64 *ts)
{
	*ts = ns_to_timespec64(ktime_get_boottime());
}

static inline void ktime_get_raw_ts64(struct timespec64 *ts)
{
	*ts = ns_to_timespec64(ktime_get_raw());
}

#define ktime_get_coarse_ts64(ts)	ktime_get_ts64(ts)
#define ktime_get_coarse_real_ts64(ts)	ktime_get_real_ts64(ts)

/* The clocks of before 5.6. */
static inline struct timespec __legacy_timespec(ktime_t kt)
{
	struct timespec64 ts = ns_to_timespec64(kt);

	return (struct timespec){ ts.tv_sec, ts.tv_nsec };
}

static inline void getnstimeofday(struct timespec *ts)
{
	*ts = __legacy_timespec(ktime_get_real());
}

static inline void ktime_get_ts(struct timespec *ts)
{
	*ts = __legacy_timespec(ktime_get());
}

static inline void do_gettimeofday(struct timeval *tv)
{
	struct timespec64 ts = ns_to_timespec64(ktime_get_real());

	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / NSEC_PER_USEC;
}

#define getrawmonotonic(ts)	(*(ts) = __legacy_timespec(ktime_get_raw()))
#define getnstimeofday64(ts)	ktime_get_real_ts64(ts)
#define current_kernel_time()	__legacy_timespec(ktime_get_real())
#define current_kernel_time64()	ns_to_timespec64(ktime_get_real())
#define get_monotonic_boottime(ts) (*(ts) = __legacy_timespec(ktime_get_boottime()))
#define get_seconds()		((unsigned long)ktime_get_real_seconds())
#define CURRENT_TIME		current_kernel_time()
#define CURRENT_TIME_SEC	((struct timespec){ get_seconds(), 0 })

#endif
