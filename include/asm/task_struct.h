/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_TASK_STRUCT_H
#define _KTHREADS_ASM_TASK_STRUCT_H

#include <linux/types.h>
#include <linux/cpumask_types.h>
#include <linux/signal_types.h>

#define TASK_COMM_LEN	16

struct mm_struct;
struct nsproxy;
struct signal_struct;
struct sighand_struct;

struct thread_info {
	unsigned long flags;
};

/* What can be read of a CPU without a call. */
struct __cpu_head {
	u32 number;
	u32 interrupt_pending;
};

/*
 * The part of a task that modules see. The system keeps it up to date; the
 * order and sizes are shared with it.
 */
struct task_struct {
	struct thread_info	thread_info;
	union {
		unsigned int	__state;
		volatile long	state;
	};
	int			__preempt_count;
	u32			__irqs_off;
	struct __cpu_head	*__cpu;
	unsigned int		flags;
	u32			__index;
	pid_t			pid;
	pid_t			tgid;
	char			comm[TASK_COMM_LEN];
	struct mm_struct	*mm;
	struct mm_struct	*active_mm;
	struct task_struct	*parent;
	struct task_struct	*real_parent;
	struct task_struct	*group_leader;
	int			prio;
	int			static_prio;
	int			normal_prio;
	unsigned int		rt_priority;
	unsigned int		policy;
	int			exit_code;
	int			exit_state;
	int			exit_signal;
	int			nr_cpus_allowed;
	int			on_cpu;
	const struct cpumask	*cpus_ptr;
	struct cpumask		cpus_mask;
	unsigned long		nvcsw;
	unsigned long		nivcsw;
	u64			utime;
	u64			stime;
	u64			start_time;
	void			*stack;
	sigset_t		blocked;
	struct sighand_struct	*sighand;
	struct signal_struct	*signal;
	struct nsproxy		*nsproxy;
	void			*journal_info;
	refcount_t		usage;
	u32			__reserved;
};

#endif
