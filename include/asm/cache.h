/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_CACHE_H
#define _KTHREADS_ASM_CACHE_H

#include <linux/cache.h>

#endif
