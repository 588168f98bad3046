/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_COMPILER_GCC_H
#define _KTHREADS_LINUX_COMPILER_GCC_H

#include <linux/compiler.h>

#endif
