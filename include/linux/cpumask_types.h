/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_CPUMASK_TYPES_H
#define _KTHREADS_LINUX_CPUMASK_TYPES_H

#include <linux/types.h>

#define NR_CPUS		CONFIG_NR_CPUS

typedef struct cpumask {
	DECLARE_BITMAP(bits, NR_CPUS);
} cpumask_t;

typedef struct cpumask cpumask_var_t[1];

#endif
