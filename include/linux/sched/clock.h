/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_SCHED_CLOCK_H
#define _KTHREADS_LINUX_SCHED_CLOCK_H

#include <linux/types.h>

extern unsigned long long sched_clock(void);

static inline u64 local_clock(void)
{
	return sched_clock();
}

static inline u64 cpu_clock(int cpu)
{
	return sched_clock();
}

#endif
