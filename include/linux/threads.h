/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_THREADS_H
#define _KTHREADS_LINUX_THREADS_H

#include <linux/cpumask_types.h>

#endif
