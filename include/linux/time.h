/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_TIME_H
#define _KTHREADS_LINUX_TIME_H

#include <linux/time64.h>
#include <linux/math64.h>
#include <linux/timekeeping.h>

#endif
