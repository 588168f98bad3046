/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_PERCPU_H
#define _KTHREADS_ASM_PERCPU_H

#include <linux/percpu.h>

#endif
