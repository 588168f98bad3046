/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_HARDIRQ_H
#define _KTHREADS_LINUX_HARDIRQ_H

#include <linux/preempt.h>
#include <linux/bottom_half.h>
#include <linux/irqflags.h>

#endif
