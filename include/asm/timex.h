/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_TIMEX_H
#define _KTHREADS_ASM_TIMEX_H

#include <linux/types.h>

extern cycles_t get_cycles(void);

#endif
