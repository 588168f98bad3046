/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_DELAY_H
#define _KTHREADS_ASM_DELAY_H

extern void __udelay(unsigned long usecs);
extern void __ndelay(unsigned long nsecs);

#define udelay(n)	__udelay(n)
#define ndelay(n)	__ndelay(n)
#define mdelay(n)	__udelay((n) * 1000UL)

#endif
