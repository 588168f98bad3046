/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_SEMAPHORE_H
#define _KTHREADS_ASM_SEMAPHORE_H

#include <linux/semaphore.h>

#endif
