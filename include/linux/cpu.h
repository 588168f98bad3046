/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_CPU_H
#define _KTHREADS_LINUX_CPU_H

#include <linux/cpumask.h>
#include <linux/smp.h>

/* CPUs neither come nor go while the system runs. */
static inline void cpus_read_lock(void)
{
}

static inline void cpus_read_unlock(void)
{
}

static inline int cpus_read_trylock(void)
{
	return 1;
}

#define get_online_cpus()	cpus_read_lock()
#define put_online_cpus()	cpus_read_unlock()

#endif
