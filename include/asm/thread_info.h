/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_THREAD_INFO_H
#define _KTHREADS_ASM_THREAD_INFO_H

#include <asm/current.h>
#include <asm/page.h>

#define TIF_SIGPENDING		2
#define TIF_NEED_RESCHED	3
#define TIF_NOTIFY_SIGNAL	17
#define _TIF_SIGPENDING		(1UL << TIF_SIGPENDING)
#define _TIF_NEED_RESCHED	(1UL << TIF_NEED_RESCHED)
#define _TIF_NOTIFY_SIGNAL	(1UL << TIF_NOTIFY_SIGNAL)

#define THREAD_SIZE		KERNEL_STACK_SLOT

#define current_thread_info()	(&current->thread_info)

static inline int test_ti_thread_flag(struct thread_info *ti, int flag)
{
	return (READ_ONCE(ti->flags) >> flag) & 1;
}

#define test_thread_flag(flag)	test_ti_thread_flag(current_thread_info(), flag)
#define test_tsk_thread_flag(task, flag) \
	test_ti_thread_flag(&(task)->thread_info, flag)

#endif
