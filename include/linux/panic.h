/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_PANIC_H
#define _KTHREADS_LINUX_PANIC_H

#include <linux/kernel.h>

#endif
