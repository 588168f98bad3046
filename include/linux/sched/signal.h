/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_SCHED_SIGNAL_H
#define _KTHREADS_LINUX_SCHED_SIGNAL_H

#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/pid.h>
#include <linux/spinlock.h>

struct sighand_struct {
	spinlock_t siglock;
};

extern int __fatal_signal_pending(struct task_struct *p);
extern void flush_signals(struct task_struct *p);
extern int kernel_dequeue_signal(void);
extern int dequeue_signal(struct task_struct *p, sigset_t *mask,
			  struct kernel_siginfo *info, enum pid_type *type);
extern void recalc_sigpending(void);
extern int send_sig(int sig, struct task_struct *p, int priv);
extern int send_sig_info(int sig, struct kernel_siginfo *info,
			 struct task_struct *p);
extern int kill_pid(struct pid *pid, int sig, int priv);

/* True also in a thread that kthread_stop() has told to end. */
static inline int signal_pending(struct task_struct *p)
{
	return (READ_ONCE(p->thread_info.flags) &
		(_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL)) != 0;
}

static inline int task_sigpending(struct task_struct *p)
{
	return unlikely(test_tsk_thread_flag(p, TIF_SIGPENDING));
}

static inline int fatal_signal_pending(struct task_struct *p)
{
	return task_sigpending(p) && __fatal_signal_pending(p);
}

static inline int signal_pending_state(unsigned int state, struct task_struct *p)
{
	if (!(state & (TASK_INTERRUPTIBLE | TASK_WAKEKILL)) || !signal_pending(p))
		return 0;
	return (state & TASK_INTERRUPTIBLE) || __fatal_signal_pending(p);
}

/* Up to 4.19 it took a siginfo_t *, which kernel threads leave unused. */
#define kernel_dequeue_signal(...)	(kernel_dequeue_signal)()
#define dequeue_signal_lock(task, mask, info)	(kernel_dequeue_signal)()

/* Signals by number, as before 2.6.27. */
static inline int kill_proc(pid_t pid, int sig, int priv)
{
	return kill_pid(find_vpid(pid), sig, priv);
}

#endif
