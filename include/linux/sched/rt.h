/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_SCHED_RT_H
#define _KTHREADS_LINUX_SCHED_RT_H

#include <linux/sched.h>

extern void set_user_nice(struct task_struct *p, long nice);
extern void sched_set_fifo(struct task_struct *p);
extern void sched_set_fifo_low(struct task_struct *p);
extern void sched_set_normal(struct task_struct *p, int nice);
extern int sched_setscheduler(struct task_struct *p, int policy,
			      const struct sched_param *param);
extern int sched_setscheduler_nocheck(struct task_struct *p, int policy,
				      const struct sched_param *param);
extern int sched_setattr_nocheck(struct task_struct *p,
				 const struct sched_attr *attr);

static inline int task_nice(const struct task_struct *p)
{
	return PRIO_TO_NICE(p->static_prio);
}

static inline int rt_prio(int prio)
{
	return prio < MAX_RT_PRIO;
}

static inline int rt_task(struct task_struct *p)
{
	return rt_prio(p->prio);
}

#endif
