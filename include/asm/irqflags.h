/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_IRQFLAGS_H
#define _KTHREADS_ASM_IRQFLAGS_H

#include <linux/irqflags.h>

#endif
