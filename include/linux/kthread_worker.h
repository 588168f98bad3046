/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_KTHREAD_WORKER_H
#define _KTHREADS_LINUX_KTHREAD_WORKER_H

/* Included by linux/kthread.h: threads that work off a list. */
#include <linux/kthread.h>

struct kthread_work;
typedef void (*kthread_work_func_t)(struct kthread_work *work);

enum {
	KTW_FREEZABLE = 1 << 0,
};

struct kthread_worker {
	unsigned int		flags;
	raw_spinlock_t		lock;
	struct list_head	work_list;
	struct list_head	delayed_work_list;
	struct task_struct	*task;
	struct kthread_work	*current_work;
};

struct kthread_work {
	struct list_head	node;
	kthread_work_func_t	func;
	struct kthread_worker	*worker;
	int			canceling;
};

struct kthread_delayed_work {
	struct kthread_work	work;
	struct timer_list	timer;
};

extern void __kthread_init_worker(struct kthread_worker *worker, const char *name,
				  struct lock_class_key *key);
extern int kthread_worker_fn(void *worker_ptr);
extern __printf(2, 3) struct kthread_worker *
kthread_create_worker(unsigned int flags, const char namefmt[], ...);
extern __printf(3, 4) struct kthread_worker *
kthread_create_worker_on_cpu(int cpu, unsigned int flags, const char namefmt[], ...);
extern void kthread_destroy_worker(struct kthread_worker *worker);
extern bool kthread_queue_work(struct kthread_worker *worker,
			       struct kthread_work *work);
extern bool kthread_queue_delayed_work(struct kthread_worker *worker,
				       struct kthread_delayed_work *dwork,
				       unsigned long delay);
extern bool kthread_mod_delayed_work(struct kthread_worker *worker,
				     struct kthread_delayed_work *dwork,
				     unsigned long delay);
extern void kthread_flush_work(struct kthread_work *work);
extern void kthread_flush_worker(struct kthread_worker *worker);
extern bool kthread_cancel_work_sync(struct kthread_work *work);
extern bool kthread_cancel_delayed_work_sync(struct kthread_delayed_work *work);
extern void kthread_delayed_work_timer_fn(struct timer_list *t);

#define KTHREAD_WORK_INIT(work, fn) \
	{ .node = LIST_HEAD_INIT((work).node), .func = (fn) }
#define KTHREAD_DELAYED_WORK_INIT(dwork, fn) {				\
		.work = KTHREAD_WORK_INIT((dwork).work, (fn)),		\
		.timer = __TIMER_INITIALIZER(kthread_delayed_work_timer_fn, \
					     TIMER_IRQSAFE),		\
	}
#define KTHREAD_WORKER_INIT(worker) {					\
		.lock = __RAW_SPIN_LOCK_UNLOCKED((worker).lock),	\
		.work_list = LIST_HEAD_INIT((worker).work_list),	\
		.delayed_work_list = LIST_HEAD_INIT((worker).delayed_work_list), \
	}
#define DEFINE_KTHREAD_WORKER(worker) \
	struct kthread_worker worker = KTHREAD_WORKER_INIT(worker)
#define DEFINE_KTHREAD_WORKER_ONSTACK(worker)	DEFINE_KTHREAD_WORKER(worker)
#define DEFINE_KTHREAD_WORK(work, fn) \
	struct kthread_work work = KTHREAD_WORK_INIT(work, fn)
#define DEFINE_KTHREAD_DELAYED_WORK(dwork, fn) \
	struct kthread_delayed_work dwork = KTHREAD_DELAYED_WORK_INIT(dwork, fn)

#define kthread_init_worker(worker) do {				\
	static struct lock_class_key __key;				\
	__kthread_init_worker((worker), "(" #worker ")->lock", &__key);	\
} while (0)

#define kthread_init_work(work, fn) do {			\
	struct kthread_work *__kw = (work);			\
	static struct lock_class_key __key;			\
	*__kw = (struct kthread_work){ .func = (fn) };		\
	INIT_LIST_HEAD(&__kw->node);				\
	__lockdep_set_work(__kw, #work, &__key);		\
} while (0)

#define kthread_init_delayed_work(dwork, fn) do {		\
	struct kthread_delayed_work *__kdw = (dwork);		\
	kthread_init_work(&__kdw->work, (fn));			\
	timer_setup(&__kdw->timer, kthread_delayed_work_timer_fn, \
		    TIMER_IRQSAFE);				\
} while (0)

/* Since 6.14 the thread of kthread_create_worker() waits to be woken. */
#define kthread_run_worker(flags, namefmt, ...) \
	kthread_create_worker(flags, namefmt, ##__VA_ARGS__)
#define kthread_run_worker_on_cpu(cpu, flags, namefmt) \
	kthread_create_worker_on_cpu(cpu, flags, namefmt, cpu)

/* The names of before 4.9. */
#define init_kthread_worker(worker)	kthread_init_worker(worker)
#define init_kthread_work(work, fn)	kthread_init_work(work, fn)
#define queue_kthread_work(worker, work) kthread_queue_work(worker, work)
#define flush_kthread_work(work)	kthread_flush_work(work)
#define flush_kthread_worker(worker)	kthread_flush_worker(worker)

#endif
