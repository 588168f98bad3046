/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_PERCPU_DEFS_H
#define _KTHREADS_LINUX_PERCPU_DEFS_H

#include <linux/percpu.h>

#endif
