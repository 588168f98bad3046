/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_LINKAGE_H
#define _KTHREADS_ASM_LINKAGE_H

#include <linux/compiler.h>

#endif
