/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_BUG_H
#define _KTHREADS_ASM_BUG_H

#include <linux/bug.h>

#endif
