/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_SYSTEM_H
#define _KTHREADS_ASM_SYSTEM_H

/* Gone since 3.4: barriers, exchanges and interrupt flags came from here. */
#include <asm/barrier.h>
#include <asm/cmpxchg.h>
#include <linux/irqflags.h>

#endif
