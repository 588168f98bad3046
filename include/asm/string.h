/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_STRING_H
#define _KTHREADS_ASM_STRING_H

#include <linux/string.h>

#endif
