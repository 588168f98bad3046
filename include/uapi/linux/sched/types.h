/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_UAPI_LINUX_SCHED_TYPES_H
#define _KTHREADS_UAPI_LINUX_SCHED_TYPES_H

#include <linux/sched/types.h>

#endif
