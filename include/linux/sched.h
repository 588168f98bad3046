/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_SCHED_H
#define _KTHREADS_LINUX_SCHED_H

#include <linux/types.h>
#include <linux/cpumask.h>
#include <linux/preempt.h>
#include <linux/limits.h>
#include <linux/might_sleep.h>
#include <linux/thread_info.h>
#include <asm/current.h>
#include <asm/barrier.h>
#include <asm/param.h>

#define TASK_RUNNING		0x0000
#define TASK_INTERRUPTIBLE	0x0001
#define TASK_UNINTERRUPTIBLE	0x0002
#define __TASK_STOPPED		0x0004
#define __TASK_TRACED		0x0008
#define EXIT_DEAD		0x0010
#define EXIT_ZOMBIE		0x0020
#define TASK_PARKED		0x0040
#define TASK_DEAD		0x0080
#define TASK_WAKEKILL		0x0100
#define TASK_WAKING		0x0200
#define TASK_NOLOAD		0x0400
#define TASK_NEW		0x0800
#define TASK_FREEZABLE		0x2000
#define TASK_FROZEN		0x8000
#define TASK_KILLABLE		(TASK_WAKEKILL | TASK_UNINTERRUPTIBLE)
#define TASK_STOPPED		(TASK_WAKEKILL | __TASK_STOPPED)
#define TASK_IDLE		(TASK_UNINTERRUPTIBLE | TASK_NOLOAD)
#define TASK_NORMAL		(TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)
#define TASK_ALL		(TASK_NORMAL | __TASK_STOPPED | __TASK_TRACED)

#define PF_IDLE			0x00000002
#define PF_EXITING		0x00000004
#define PF_WQ_WORKER		0x00000020
#define PF_FORKNOEXEC		0x00000040
#define PF_SUPERPRIV		0x00000100
#define PF_DUMPCORE		0x00000200
#define PF_SIGNALED		0x00000400
#define PF_MEMALLOC		0x00000800
#define PF_NOFREEZE		0x00008000
#define PF_KSWAPD		0x00020000
#define PF_MEMALLOC_NOFS	0x00040000
#define PF_MEMALLOC_NOIO	0x00080000
#define PF_KTHREAD		0x00200000
#define PF_NO_SETAFFINITY	0x04000000
#define PF_FREEZER_NOSIG	0

#define SCHED_NORMAL		0
#define SCHED_OTHER		SCHED_NORMAL
#define SCHED_FIFO		1
#define SCHED_RR		2
#define SCHED_BATCH		3
#define SCHED_IDLE		5

#define CLONE_VM		0x00000100
#define CLONE_FS		0x00000200
#define CLONE_FILES		0x00000400
#define CLONE_SIGHAND		0x00000800
#define CLONE_VFORK		0x00004000
#define CLONE_PARENT		0x00008000
#define CLONE_THREAD		0x00010000
#define CLONE_KERNEL		(CLONE_FS | CLONE_FILES | CLONE_SIGHAND)

#define MAX_SCHEDULE_TIMEOUT	LONG_MAX

extern void schedule(void);
extern long schedule_timeout(long timeout);
extern void yield(void);
extern int __cond_resched(void);
extern int wake_up_process(struct task_struct *p);
extern int set_cpus_allowed_ptr(struct task_struct *p, const struct cpumask *mask);
extern char *__get_task_comm(char *to, size_t len, struct task_struct *p);
extern void __set_task_comm(struct task_struct *p, const char *from, bool exec);

#define __set_current_state(state_value) \
	WRITE_ONCE(current->__state, (state_value))
#define set_current_state(state_value) do {	\
	__set_current_state(state_value);	\
	smp_mb();				\
} while (0)
#define get_current_state()		READ_ONCE(current->__state)
#define task_is_running(task)		(READ_ONCE((task)->__state) == TASK_RUNNING)

/* The forms of before 4.11. */
#define __set_task_state(task, state_value) \
	WRITE_ONCE((task)->__state, (state_value))
#define set_task_state(task, state_value) do {	\
	__set_task_state(task, state_value);	\
	smp_mb();				\
} while (0)

static inline long schedule_timeout_interruptible(long timeout)
{
	__set_current_state(TASK_INTERRUPTIBLE);
	return schedule_timeout(timeout);
}

static inline long schedule_timeout_uninterruptible(long timeout)
{
	__set_current_state(TASK_UNINTERRUPTIBLE);
	return schedule_timeout(timeout);
}

static inline long schedule_timeout_killable(long timeout)
{
	__set_current_state(TASK_KILLABLE);
	return schedule_timeout(timeout);
}

static inline long schedule_timeout_idle(long timeout)
{
	__set_current_state(TASK_IDLE);
	return schedule_timeout(timeout);
}

static inline void io_schedule(void)
{
	schedule();
}

static inline long io_schedule_timeout(long timeout)
{
	return schedule_timeout(timeout);
}

#define cond_resched()		({ might_sleep(); __cond_resched(); })
#define cond_resched_lock(lock) ({		\
	spin_unlock(lock);			\
	cond_resched();				\
	spin_lock(lock);			\
	1; })

static __always_inline bool need_resched(void)
{
	return unlikely(test_thread_flag(TIF_NEED_RESCHED));
}

static inline pid_t task_pid_nr(struct task_struct *task)
{
	return task->pid;
}

static inline pid_t task_tgid_nr(struct task_struct *task)
{
	return task->tgid;
}

static inline pid_t task_pid_vnr(struct task_struct *task)
{
	return task->pid;
}

static inline pid_t task_tgid_vnr(struct task_struct *task)
{
	return task->tgid;
}

static inline pid_t task_ppid_nr(const struct task_struct *task)
{
	return READ_ONCE(task->real_parent)->tgid;
}

static inline unsigned int task_cpu(const struct task_struct *task)
{
	return READ_ONCE(READ_ONCE(task->__cpu)->number);
}

#define get_task_comm(buf, task) ({				\
	BUILD_BUG_ON(sizeof(buf) < TASK_COMM_LEN);		\
	__get_task_comm(buf, sizeof(buf), task); })
#define set_task_comm(task, from)	__set_task_comm(task, from, false)
#define set_cpus_allowed(task, mask)	set_cpus_allowed_ptr((task), &(mask))

/* Modules count on all of this from linux/sched.h. */
#include <linux/kernel.h>
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/mutex.h>
#include <linux/jiffies.h>
#include <linux/timer.h>
#include <linux/pid.h>
#include <linux/refcount.h>
#include <linux/smp.h>
#include <linux/topology.h>
#include <linux/sched/prio.h>
#include <linux/sched/types.h>
#include <linux/sched/rt.h>
#include <linux/sched/task.h>
#include <linux/sched/signal.h>
#include <linux/sched/clock.h>
#include <linux/wait.h>
#include <linux/completion.h>

#endif
