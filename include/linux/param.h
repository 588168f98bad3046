/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_PARAM_H
#define _KTHREADS_LINUX_PARAM_H

#include <asm/param.h>

#endif
