/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_SIGNAL_H
#define _KTHREADS_LINUX_SIGNAL_H

#include <linux/signal_types.h>
#include <linux/errno.h>

#define SIG_KTHREAD		((__sighandler_t)2)
#define SIG_KTHREAD_KERNEL	((__sighandler_t)3)

#define SEND_SIG_NOINFO		((struct kernel_siginfo *)0)
#define SEND_SIG_PRIV		((struct kernel_siginfo *)1)

#define sigmask(sig)		(1UL << ((sig) - 1))

extern void kernel_sigaction(int sig, __sighandler_t action);
extern int sigprocmask(int how, sigset_t *set, sigset_t *oldset);

static inline void allow_signal(int sig)
{
	kernel_sigaction(sig, SIG_KTHREAD);
}

static inline void allow_kernel_signal(int sig)
{
	kernel_sigaction(sig, SIG_KTHREAD_KERNEL);
}

static inline void disallow_signal(int sig)
{
	kernel_sigaction(sig, SIG_IGN);
}

static inline int valid_signal(unsigned long sig)
{
	return sig <= _NSIG;
}

static inline void sigaddset(sigset_t *set, int sig)
{
	set->sig[0] |= sigmask(sig);
}

static inline void sigdelset(sigset_t *set, int sig)
{
	set->sig[0] &= ~sigmask(sig);
}

static inline int sigismember(const sigset_t *set, int sig)
{
	return (set->sig[0] & sigmask(sig)) != 0;
}

static inline void sigemptyset(sigset_t *set)
{
	set->sig[0] = 0;
}

static inline void sigfillset(sigset_t *set)
{
	set->sig[0] = ~0UL;
}

static inline int sigisemptyset(const sigset_t *set)
{
	return set->sig[0] == 0;
}

static inline void sigaddsetmask(sigset_t *set, unsigned long mask)
{
	set->sig[0] |= mask;
}

static inline void sigdelsetmask(sigset_t *set, unsigned long mask)
{
	set->sig[0] &= ~mask;
}

static inline void siginitset(sigset_t *set, unsigned long mask)
{
	set->sig[0] = mask;
}

static inline void siginitsetinv(sigset_t *set, unsigned long mask)
{
	set->sig[0] = ~mask;
}

static inline void sigorsets(sigset_t *to, const sigset_t *a, const sigset_t *b)
{
	to->sig[0] = a->sig[0] | b->sig[0];
}

static inline void sigandsets(sigset_t *to, const sigset_t *a, const sigset_t *b)
{
	to->sig[0] = a->sig[0] & b->sig[0];
}

#endif
