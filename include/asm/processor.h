/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_PROCESSOR_H
#define _KTHREADS_ASM_PROCESSOR_H

#include <linux/cpumask_types.h>
#include <asm/barrier.h>
#include <asm/current.h>
#include <asm/page.h>
#include <asm/thread_info.h>

#endif
