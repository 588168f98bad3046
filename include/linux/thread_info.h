/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_THREAD_INFO_H
#define _KTHREADS_LINUX_THREAD_INFO_H

#include <linux/bug.h>
#include <asm/thread_info.h>

#endif
