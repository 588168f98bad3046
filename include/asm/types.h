/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_TYPES_H
#define _KTHREADS_ASM_TYPES_H

#include <linux/types.h>

#endif
