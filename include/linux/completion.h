/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_COMPLETION_H
#define _KTHREADS_LINUX_COMPLETION_H

#include <linux/types.h>
#include <linux/wait.h>

#define __COMPLETION_MAGIC	0x636f6d70U

struct completion {
	unsigned int done;
	unsigned int __magic;
};

extern void complete(struct completion *x);
extern void complete_all(struct completion *x);
extern void wait_for_completion(struct completion *x);
extern unsigned long wait_for_completion_timeout(struct completion *x,
						 unsigned long timeout);
extern int wait_for_completion_interruptible(struct completion *x);
extern long wait_for_completion_interruptible_timeout(struct completion *x,
						      unsigned long timeout);
extern int wait_for_completion_killable(struct completion *x);
extern long wait_for_completion_killable_timeout(struct completion *x,
						 unsigned long timeout);
extern int wait_for_completion_state(struct completion *x, unsigned int state);
extern bool try_wait_for_completion(struct completion *x);
extern bool completion_done(struct completion *x);

#define COMPLETION_INITIALIZER(work) \
	{ .done = 0, .__magic = __COMPLETION_MAGIC }
#define COMPLETION_INITIALIZER_ONSTACK(work) \
	(*({ init_completion(&(work)); &(work); }))
#define COMPLETION_INITIALIZER_ONSTACK_MAP(work, map) \
	COMPLETION_INITIALIZER_ONSTACK(work)
#define DECLARE_COMPLETION(work) \
	struct completion work = COMPLETION_INITIALIZER(work)
#define DECLARE_COMPLETION_ONSTACK(work)	DECLARE_COMPLETION(work)
#define DECLARE_COMPLETION_ONSTACK_MAP(work, map) DECLARE_COMPLETION(work)

/* It looks whether somebody waits for what was there. */
extern void __init_completion(struct completion *x);

static inline void init_completion(struct completion *x)
{
	__init_completion(x);
}

/* Only for when no waiter is left. */
static inline void reinit_completion(struct completion *x)
{
	WRITE_ONCE(x->done, 0);
}

#define init_completion_map(x, map)	init_completion(x)
#define wait_for_completion_io(x)	wait_for_completion(x)
#define wait_for_completion_io_timeout(x, timeout) \
	wait_for_completion_timeout(x, timeout)

static inline void complete_acquire(struct completion *x)
{
}

static inline void complete_release(struct completion *x)
{
}

/* The form of before 3.13: it takes the object. */
#define INIT_COMPLETION(x)	reinit_completion(&(x))

#endif
