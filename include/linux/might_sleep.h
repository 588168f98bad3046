/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_MIGHT_SLEEP_H
#define _KTHREADS_LINUX_MIGHT_SLEEP_H

#include <asm/current.h>

extern void __might_sleep(const char *file, int line);

/* Reports a caller that must not sleep; silent and cheap for all others. */
static __always_inline void __check_may_sleep(const char *file, int line)
{
	struct task_struct *task = current;

	if (unlikely(READ_ONCE(task->__preempt_count) || READ_ONCE(task->__irqs_off)))
		__might_sleep(file, line);
}

#define might_sleep()		__check_may_sleep(__FILE__, __LINE__)
#define might_sleep_if(cond)	do { if (cond) might_sleep(); } while (0)
#define cant_sleep()		do { } while (0)
#define non_block_start()	do { } while (0)
#define non_block_end()		do { } while (0)

#endif
