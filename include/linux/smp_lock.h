/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_SMP_LOCK_H
#define _KTHREADS_LINUX_SMP_LOCK_H

/*
 * The big kernel lock kept a caller apart from kernel code that took it too.
 * No code here takes it, so there is nothing to keep apart from; threads of a
 * module that must exclude one another need a lock of their own.
 */
static inline void lock_kernel(void)
{
}

static inline void unlock_kernel(void)
{
}

#endif
