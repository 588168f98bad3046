/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_SPINLOCK_H
#define _KTHREADS_ASM_SPINLOCK_H

#include <linux/spinlock.h>

#endif
