/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_POISON_H
#define _KTHREADS_LINUX_POISON_H

/* Not canonical addresses on x86-64: use of one faults. */
#define POISON_POINTER_DELTA	0xdead000000000000UL
#define LIST_POISON1		((void *)0x100 + POISON_POINTER_DELTA)
#define LIST_POISON2		((void *)0x122 + POISON_POINTER_DELTA)

#endif
