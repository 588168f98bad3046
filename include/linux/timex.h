/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_TIMEX_H
#define _KTHREADS_LINUX_TIMEX_H

#include <linux/time.h>
#include <linux/jiffies.h>
#include <asm/timex.h>

#endif
