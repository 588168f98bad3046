// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Sizes and offsets that C and Rust share. It is only compiled. "rust_layout.h" is made from the
 * Rust types by the test that compiles this, so neither side can change alone; the numbers here
 * are of what Rust keeps to itself, and of what modules compiled elsewhere rely on.
 */
#include <linux/completion.h>
#include <linux/export.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/ratelimit_types.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <linux/semaphore.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>

#define SIZE(type, bytes) \
	_Static_assert(sizeof(type) == (bytes), "size of " #type)
#define ALIGNMENT(type, bytes) \
	_Static_assert(_Alignof(type) == (bytes), "alignment of " #type)
#define OFFSET(type, field, bytes) \
	_Static_assert(__builtin_offsetof(type, field) == (bytes), "offset of " #type "." #field)

#include "rust_layout.h"

/* The task, where names differ or Rust keeps the field to itself. */
SIZE(struct task_struct, 256);
OFFSET(struct task_struct, thread_info, 0);
OFFSET(struct task_struct, state, 8);
OFFSET(struct task_struct, __cpu, 24);
SIZE(((struct task_struct *)0)->state, 8);
SIZE(((struct task_struct *)0)->comm, 16);
SIZE(((struct task_struct *)0)->cpus_mask, 8);
SIZE(((struct task_struct *)0)->blocked, 8);
SIZE(((struct task_struct *)0)->usage, 4);
OFFSET(struct __cpu_head, number, 0);
OFFSET(struct __cpu_head, interrupt_pending, 4);

/* Lists and locks. */
OFFSET(struct list_head, next, 0);
OFFSET(struct list_head, prev, 8);
OFFSET(struct hlist_node, next, 0);
OFFSET(struct hlist_node, pprev, 8);
SIZE(struct hlist_head, 8);
SIZE(raw_spinlock_t, 8);
OFFSET(spinlock_t, __lock, 0);
OFFSET(spinlock_t, __owner, 4);
SIZE(atomic_t, 4);
SIZE(atomic64_t, 8);
SIZE(atomic_long_t, 8);
SIZE(refcount_t, 4);

/* Waiting. */
OFFSET(struct wait_queue_head, lock, 0);
OFFSET(struct wait_queue_head, head, 8);
OFFSET(struct wait_queue_head, task_list, 8);
OFFSET(struct wait_queue_entry, flags, 0);
OFFSET(struct wait_queue_entry, private, 8);
OFFSET(struct wait_queue_entry, func, 16);
OFFSET(struct wait_queue_entry, entry, 24);
OFFSET(struct completion, done, 0);
OFFSET(struct completion, __magic, 4);
OFFSET(struct mutex, __owner, 0);
OFFSET(struct mutex, __magic, 8);
OFFSET(struct mutex, __waiters, 12);
OFFSET(struct semaphore, count, 0);
OFFSET(struct semaphore, __magic, 4);

/* Timers and workers. */
OFFSET(struct timer_list, entry, 0);
OFFSET(struct timer_list, expires, 16);
OFFSET(struct timer_list, function, 24);
OFFSET(struct timer_list, flags, 32);
OFFSET(struct timer_list, __pad, 36);
OFFSET(struct timer_list, data, 40);
OFFSET(struct kthread_worker, flags, 0);
OFFSET(struct kthread_worker, lock, 4);
OFFSET(struct kthread_worker, work_list, 16);
OFFSET(struct kthread_worker, delayed_work_list, 32);
OFFSET(struct kthread_worker, task, 48);
OFFSET(struct kthread_worker, current_work, 56);
OFFSET(struct kthread_work, node, 0);
OFFSET(struct kthread_work, func, 16);
OFFSET(struct kthread_work, worker, 24);
OFFSET(struct kthread_work, canceling, 32);
OFFSET(struct kthread_delayed_work, work, 0);
OFFSET(struct kthread_delayed_work, timer, 40);

/* Modules, their parameters and their exports. */
SIZE(struct module, 60);
OFFSET(struct module, state, 0);
OFFSET(struct module, name, 4);
SIZE(struct kernel_param, 40);
OFFSET(struct kernel_param, name, 0);
OFFSET(struct kernel_param, mod, 8);
OFFSET(struct kernel_param, ops, 16);
OFFSET(struct kernel_param, perm, 24);
OFFSET(struct kernel_param, level, 26);
OFFSET(struct kernel_param, flags, 27);
OFFSET(struct kernel_param, arg, 32);
SIZE(struct kernel_param_ops, 32);
OFFSET(struct kernel_param_ops, flags, 0);
OFFSET(struct kernel_param_ops, set, 8);
OFFSET(struct kernel_param_ops, get, 16);
OFFSET(struct kernel_param_ops, free, 24);
SIZE(struct kparam_string, 16);
OFFSET(struct kparam_string, maxlen, 0);
OFFSET(struct kparam_string, string, 8);
SIZE(struct kparam_array, 32);
OFFSET(struct kparam_array, max, 0);
OFFSET(struct kparam_array, elemsize, 4);
OFFSET(struct kparam_array, num, 8);
OFFSET(struct kparam_array, ops, 16);
OFFSET(struct kparam_array, elem, 24);
SIZE(struct kernel_symbol, 24);
OFFSET(struct kernel_symbol, name, 0);
OFFSET(struct kernel_symbol, addr, 8);
OFFSET(struct kernel_symbol, flags, 16);

/* The rest. */
OFFSET(struct ratelimit_state, lock, 0);
OFFSET(struct ratelimit_state, interval, 8);
OFFSET(struct ratelimit_state, burst, 12);
OFFSET(struct ratelimit_state, printed, 16);
OFFSET(struct ratelimit_state, missed, 20);
OFFSET(struct ratelimit_state, begin, 24);
OFFSET(struct ratelimit_state, flags, 32);
SIZE(struct sched_attr, 56);
OFFSET(struct sched_attr, size, 0);
OFFSET(struct sched_attr, sched_policy, 4);
OFFSET(struct sched_attr, sched_flags, 8);
OFFSET(struct sched_attr, sched_nice, 16);
OFFSET(struct sched_attr, sched_priority, 20);
OFFSET(struct sched_attr, sched_runtime, 24);
OFFSET(struct sched_attr, sched_deadline, 32);
OFFSET(struct sched_attr, sched_period, 40);
SIZE(struct sysinfo, 112);
OFFSET(struct sysinfo, uptime, 0);
OFFSET(struct sysinfo, loads, 8);
OFFSET(struct sysinfo, totalram, 32);
OFFSET(struct sysinfo, freeram, 40);
OFFSET(struct sysinfo, procs, 80);
OFFSET(struct sysinfo, totalhigh, 88);
OFFSET(struct sysinfo, freehigh, 96);
OFFSET(struct sysinfo, mem_unit, 104);
