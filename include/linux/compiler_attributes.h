/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_COMPILER_ATTRIBUTES_H
#define _KTHREADS_LINUX_COMPILER_ATTRIBUTES_H

#include <linux/compiler.h>

#endif
