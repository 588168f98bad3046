/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_SCHED_DEBUG_H
#define _KTHREADS_LINUX_SCHED_DEBUG_H

#include <linux/sched.h>

#endif
