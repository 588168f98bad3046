/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_PID_H
#define _KTHREADS_LINUX_PID_H

#include <linux/types.h>

struct task_struct;

struct pid {
	int nr;
};

enum pid_type {
	PIDTYPE_PID,
	PIDTYPE_TGID,
	PIDTYPE_PGID,
	PIDTYPE_SID,
	PIDTYPE_MAX,
};

extern struct pid *find_vpid(int nr);
extern struct pid *find_get_pid(int nr);
extern struct task_struct *pid_task(struct pid *pid, enum pid_type type);
extern struct task_struct *get_pid_task(struct pid *pid, enum pid_type type);
extern struct pid *get_task_pid(struct task_struct *p, enum pid_type type);
extern struct pid *task_pid(struct task_struct *p);
extern struct pid *get_pid(struct pid *pid);
extern void put_pid(struct pid *pid);

static inline pid_t pid_nr(struct pid *pid)
{
	return pid ? pid->nr : 0;
}

static inline pid_t pid_vnr(struct pid *pid)
{
	return pid_nr(pid);
}

static inline struct task_struct *find_task_by_vpid(pid_t nr)
{
	return pid_task(find_vpid(nr), PIDTYPE_PID);
}

#define find_task_by_pid(nr)	find_task_by_vpid(nr)
#define find_pid(nr)		find_vpid(nr)

#endif
