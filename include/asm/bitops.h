/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_BITOPS_H
#define _KTHREADS_ASM_BITOPS_H

#include <linux/bitops.h>

#endif
