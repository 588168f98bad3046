/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_WAIT_H
#define _KTHREADS_LINUX_WAIT_H

#include <linux/types.h>
#include <linux/stddef.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/hrtimer.h>

#define WQ_FLAG_EXCLUSIVE	0x01
#define WQ_FLAG_WOKEN		0x02
#define WQ_FLAG_BOOKMARK	0x04
#define WQ_FLAG_CUSTOM		0x08
#define WQ_FLAG_DONE		0x10
#define WQ_FLAG_PRIORITY	0x20

struct wait_queue_entry;
typedef int (*wait_queue_func_t)(struct wait_queue_entry *entry, unsigned int mode,
				 int flags, void *key);

/* The second names of the links are those of before 4.13. */
struct wait_queue_entry {
	unsigned int flags;
	void *private;
	wait_queue_func_t func;
	union {
		struct list_head entry;
		struct list_head task_list;
	};
};

struct wait_queue_head {
	spinlock_t lock;
	union {
		struct list_head head;
		struct list_head task_list;
	};
};

typedef struct wait_queue_entry wait_queue_entry_t;
typedef struct wait_queue_head wait_queue_head_t;
typedef struct wait_queue_entry wait_queue_t;
#define __wait_queue_head	wait_queue_head
#define __wait_queue		wait_queue_entry

extern void __init_waitqueue_head(struct wait_queue_head *wq, const char *name,
				  struct lock_class_key *key);
extern void add_wait_queue(struct wait_queue_head *wq,
			   struct wait_queue_entry *entry);
extern void add_wait_queue_exclusive(struct wait_queue_head *wq,
				     struct wait_queue_entry *entry);
extern void add_wait_queue_priority(struct wait_queue_head *wq,
				    struct wait_queue_entry *entry);
extern void remove_wait_queue(struct wait_queue_head *wq,
			      struct wait_queue_entry *entry);
extern int __wake_up(struct wait_queue_head *wq, unsigned int mode,
		     int nr_exclusive, void *key);
extern void __wake_up_locked(struct wait_queue_head *wq, unsigned int mode, int nr);
extern void __wake_up_locked_key(struct wait_queue_head *wq, unsigned int mode,
				 void *key);
extern void __wake_up_sync_key(struct wait_queue_head *wq, unsigned int mode,
			       void *key);
extern void __wake_up_sync(struct wait_queue_head *wq, unsigned int mode);
extern void prepare_to_wait(struct wait_queue_head *wq,
			    struct wait_queue_entry *entry, int state);
extern bool prepare_to_wait_exclusive(struct wait_queue_head *wq,
				      struct wait_queue_entry *entry, int state);
extern long prepare_to_wait_event(struct wait_queue_head *wq,
				  struct wait_queue_entry *entry, int state);
extern void finish_wait(struct wait_queue_head *wq, struct wait_queue_entry *entry);
/* init_wait_entry() and prepare_to_wait_event(); not Linux's. */
extern long __begin_wait_event(struct wait_queue_head *wq,
			       struct wait_queue_entry *entry, int state, int flags);
extern void init_wait_entry(struct wait_queue_entry *entry, int flags);
extern int autoremove_wake_function(struct wait_queue_entry *entry,
				    unsigned int mode, int flags, void *key);
extern int default_wake_function(struct wait_queue_entry *entry,
				 unsigned int mode, int flags, void *key);
extern int woken_wake_function(struct wait_queue_entry *entry,
			       unsigned int mode, int flags, void *key);
extern long wait_woken(struct wait_queue_entry *entry, unsigned int mode,
		       long timeout);
extern long do_wait_intr(struct wait_queue_head *wq, struct wait_queue_entry *entry);
extern long do_wait_intr_irq(struct wait_queue_head *wq,
			     struct wait_queue_entry *entry);

#define __WAIT_QUEUE_HEAD_INITIALIZER(name) {			\
		.lock = __SPIN_LOCK_UNLOCKED(name.lock),	\
		.head = LIST_HEAD_INIT((name).head),		\
	}
#define DECLARE_WAIT_QUEUE_HEAD(name) \
	struct wait_queue_head name = __WAIT_QUEUE_HEAD_INITIALIZER(name)

#define init_waitqueue_head(wq) do {			\
	static struct lock_class_key __key;		\
	__init_waitqueue_head((wq), #wq, &__key);	\
} while (0)

/* What lies on a stack has its class from the place where it is made. */
#define __WAIT_QUEUE_HEAD_INIT_ONSTACK(name) \
	(*({ init_waitqueue_head(&(name)); &(name); }))
#define DECLARE_WAIT_QUEUE_HEAD_ONSTACK(name) \
	struct wait_queue_head name = __WAIT_QUEUE_HEAD_INIT_ONSTACK(name)

#define __WAITQUEUE_INITIALIZER(name, task) {		\
		.private = (task),			\
		.func = default_wake_function,		\
		.entry = { NULL, NULL },		\
	}
#define DECLARE_WAITQUEUE(name, task) \
	struct wait_queue_entry name = __WAITQUEUE_INITIALIZER(name, task)

#define DEFINE_WAIT_FUNC(name, function)		\
	struct wait_queue_entry name = {		\
		.private = current,			\
		.func = function,			\
		.entry = LIST_HEAD_INIT((name).entry),	\
	}
#define DEFINE_WAIT(name)	DEFINE_WAIT_FUNC(name, autoremove_wake_function)
#define init_wait(wait)		init_wait_entry((wait), 0)

static inline void init_waitqueue_entry(struct wait_queue_entry *entry,
					struct task_struct *task)
{
	entry->flags = 0;
	entry->private = task;
	entry->func = default_wake_function;
}

static inline void init_waitqueue_func_entry(struct wait_queue_entry *entry,
					     wait_queue_func_t func)
{
	entry->flags = 0;
	entry->private = NULL;
	entry->func = func;
}

#include <linux/wait_queue.h>
#include <linux/wait_event.h>

#endif
