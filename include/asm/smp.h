/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_SMP_H
#define _KTHREADS_ASM_SMP_H

#include <linux/smp.h>

#endif
