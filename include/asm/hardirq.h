/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_HARDIRQ_H
#define _KTHREADS_ASM_HARDIRQ_H

#include <linux/hardirq.h>

#endif
