/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_SCHED_TASK_H
#define _KTHREADS_LINUX_SCHED_TASK_H

#include <linux/sched.h>

extern struct task_struct *get_task_struct(struct task_struct *p);
extern void put_task_struct(struct task_struct *p);
extern int wake_up_state(struct task_struct *p, unsigned int state);

/* What threads of 2.6 and before use; none is exported by Linux 6.1. */
extern pid_t kernel_thread(int (*fn)(void *), void *arg, unsigned long flags);
extern __printf(1, 2) void daemonize(const char *fmt, ...);
extern void __noreturn do_exit(long code);

/* complete_and_exit() is its name up to 5.16. */
struct completion;
extern void __noreturn kthread_complete_and_exit(struct completion *comp, long code);
#define complete_and_exit(comp, code)	kthread_complete_and_exit(comp, code)

#endif
