/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_CURRENT_H
#define _KTHREADS_ASM_CURRENT_H

#include <linux/types.h>
#include <asm/task_struct.h>

/*
 * Every kernel stack lies in a slot of 64 KiB that is aligned to its size, and
 * the top word of the slot points to the task.
 */
#define KERNEL_STACK_SLOT	65536UL

static __always_inline struct task_struct *get_current(void)
{
	unsigned long sp;

	__asm__("movq %%rsp, %0" : "=r"(sp));
	return *(struct task_struct **)((sp | (KERNEL_STACK_SLOT - 1)) -
					(sizeof(void *) - 1));
}

#define current get_current()

#endif
