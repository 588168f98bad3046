/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_KTHREAD_H
#define _KTHREADS_LINUX_KTHREAD_H

#include <linux/err.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>
#include <linux/completion.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/mutex.h>
#include <linux/timer.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/errno.h>
#include <linux/delay.h>
#include <linux/slab.h>
#include <linux/numa.h>

extern __printf(4, 5) struct task_struct *
kthread_create_on_node(int (*fn)(void *), void *data, int node,
		       const char namefmt[], ...);
extern struct task_struct *kthread_create_on_cpu(int (*fn)(void *), void *data,
						 unsigned int cpu,
						 const char *namefmt);
extern int kthread_stop(struct task_struct *k);
extern bool kthread_should_stop(void);
extern void kthread_bind(struct task_struct *k, unsigned int cpu);
extern int kthread_park(struct task_struct *k);
extern void kthread_unpark(struct task_struct *k);
extern bool kthread_should_park(void);
extern bool __kthread_should_park(struct task_struct *k);
extern void kthread_parkme(void);
extern void *kthread_data(struct task_struct *k);
extern void *kthread_func(struct task_struct *k);

/* Linux 6.1 keeps these from modules. */
extern void kthread_bind_mask(struct task_struct *k, const struct cpumask *mask);
extern void *kthread_probe_data(struct task_struct *k);
extern void get_kthread_comm(char *buf, size_t size, struct task_struct *k);
extern void kthread_set_per_cpu(struct task_struct *k, int cpu);
extern bool kthread_is_per_cpu(struct task_struct *k);
extern void __noreturn kthread_exit(long code);

#define kthread_create(fn, data, namefmt, ...) \
	kthread_create_on_node(fn, data, NUMA_NO_NODE, namefmt, ##__VA_ARGS__)

#define kthread_run(fn, data, namefmt, ...) ({				\
	struct task_struct *__run_task =				\
		kthread_create(fn, data, namefmt, ##__VA_ARGS__);	\
	if (!IS_ERR(__run_task))					\
		wake_up_process(__run_task);				\
	__run_task; })

static inline struct task_struct *kthread_run_on_cpu(int (*fn)(void *), void *data,
						     unsigned int cpu,
						     const char *namefmt)
{
	struct task_struct *task = kthread_create_on_cpu(fn, data, cpu, namefmt);

	if (!IS_ERR(task))
		wake_up_process(task);
	return task;
}

/* As nothing freezes, @was_frozen is never true. */
static inline bool kthread_freezable_should_stop(bool *was_frozen)
{
	might_sleep();
	if (was_frozen)
		*was_frozen = false;
	return kthread_should_stop();
}

/* Newer than 6.1. */
static inline int kthread_stop_put(struct task_struct *k)
{
	int result = kthread_stop(k);

	put_task_struct(k);
	return result;
}

static inline int kthread_affine_preferred(struct task_struct *k,
					   const struct cpumask *mask)
{
	return set_cpus_allowed_ptr(k, mask);
}

#include <linux/kthread_worker.h>

#endif
