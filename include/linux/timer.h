/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_TIMER_H
#define _KTHREADS_LINUX_TIMER_H

#include <linux/list.h>
#include <linux/ktime.h>
#include <linux/stddef.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>

struct timer_list {
	struct hlist_node	entry;
	unsigned long		expires;
	void			(*function)(struct timer_list *);
	u32			flags;
	u32			__pad;
	unsigned long		data;
};

#define TIMER_DEFERRABLE	0x00080000
#define TIMER_PINNED		0x00100000
#define TIMER_IRQSAFE		0x00200000
/* The function takes @data, as all did before 4.15. */
#define __TIMER_DATA		0x00400000

extern void init_timer_key(struct timer_list *timer,
			   void (*func)(struct timer_list *), unsigned int flags,
			   const char *name, struct lock_class_key *key);
extern int mod_timer(struct timer_list *timer, unsigned long expires);
extern int mod_timer_pending(struct timer_list *timer, unsigned long expires);
extern int timer_reduce(struct timer_list *timer, unsigned long expires);
extern void add_timer(struct timer_list *timer);
extern void add_timer_on(struct timer_list *timer, int cpu);
extern int timer_delete(struct timer_list *timer);
extern int timer_delete_sync(struct timer_list *timer);
extern int try_to_del_timer_sync(struct timer_list *timer);
extern int timer_shutdown(struct timer_list *timer);
extern int timer_shutdown_sync(struct timer_list *timer);

#define __TIMER_INITIALIZER(func, timer_flags) \
	{ .function = (func), .flags = (timer_flags) }

#define timer_setup(timer, func, timer_flags) do {			\
	static struct lock_class_key __key;				\
	init_timer_key((timer), (func), (timer_flags), #timer, &__key);	\
} while (0)
#define timer_setup_on_stack(timer, func, timer_flags) \
	timer_setup(timer, func, timer_flags)
#define destroy_timer_on_stack(timer)	do { (void)(timer); } while (0)

#define from_timer(var, timer, member) \
	container_of(timer, __typeof__(*var), member)
#define timer_container_of(var, timer, member)	from_timer(var, timer, member)

static inline int timer_pending(const struct timer_list *timer)
{
	return READ_ONCE(timer->entry.pprev) != NULL;
}

static inline int del_timer(struct timer_list *timer)
{
	return timer_delete(timer);
}

static inline int del_timer_sync(struct timer_list *timer)
{
	return timer_delete_sync(timer);
}

#define del_singleshot_timer_sync(timer)	del_timer_sync(timer)
#define mod_timer_pinned(timer, expires)	mod_timer(timer, expires)

/*
 * The timers of before 4.15: void function(unsigned long data). A definition
 * with four arguments is one of them.
 */
#define __timer_of_data(func)	((void (*)(struct timer_list *))(func))
#define TIMER_INITIALIZER(func, when, value) {	\
		.function = __timer_of_data(func), \
		.expires = (when),		\
		.flags = __TIMER_DATA,		\
		.data = (value),		\
	}
#define __define_timer_new(func)		__TIMER_INITIALIZER(func, 0)
#define __define_timer_pick(a, b, c, which, ...) which
#define DEFINE_TIMER(name, func, ...)					\
	struct timer_list name =					\
		__define_timer_pick(func, ##__VA_ARGS__, TIMER_INITIALIZER, \
				    , __define_timer_new, )(func, ##__VA_ARGS__)

#define init_timer(timer) do {						\
	static struct lock_class_key __key;				\
	init_timer_key((timer), (timer)->function, __TIMER_DATA,	\
		       #timer, &__key);					\
} while (0)
#define init_timer_on_stack(timer)	init_timer(timer)
#define init_timer_deferrable(timer) do {	\
	init_timer(timer);			\
	(timer)->flags |= TIMER_DEFERRABLE;	\
} while (0)
#define setup_timer(timer, func, value) do {				\
	static struct lock_class_key __key;				\
	init_timer_key((timer), __timer_of_data(func), __TIMER_DATA,	\
		       #timer, &__key);					\
	(timer)->data = (value);					\
} while (0)
#define setup_timer_on_stack(timer, func, value) setup_timer(timer, func, value)

#endif
