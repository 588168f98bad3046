/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_BOTTOM_HALF_H
#define _KTHREADS_LINUX_BOTTOM_HALF_H

#include <linux/preempt.h>

extern void local_bh_disable(void);
extern void local_bh_enable(void);

#endif
