/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_WAIT_QUEUE_H
#define _KTHREADS_LINUX_WAIT_QUEUE_H

/* Included by linux/wait.h: looking at a queue, changing it, waking it. */
#include <linux/wait.h>

/* The caller sees to the barrier, or holds the lock. */
static inline int waitqueue_active(struct wait_queue_head *wq)
{
	return !list_empty(&wq->head);
}

static inline bool wq_has_single_sleeper(struct wait_queue_head *wq)
{
	return list_is_singular(&wq->head);
}

static inline bool wq_has_sleeper(struct wait_queue_head *wq)
{
	smp_mb();
	return waitqueue_active(wq);
}

/* For callers that hold wq->lock. Priority entries stay in front. */
static inline void __add_wait_queue(struct wait_queue_head *wq,
				    struct wait_queue_entry *entry)
{
	struct list_head *after = &wq->head;

	while (after->next != &wq->head &&
	       (list_entry(after->next, struct wait_queue_entry, entry)->flags &
		WQ_FLAG_PRIORITY))
		after = after->next;
	list_add(&entry->entry, after);
}

static inline void __add_wait_queue_exclusive(struct wait_queue_head *wq,
					      struct wait_queue_entry *entry)
{
	entry->flags |= WQ_FLAG_EXCLUSIVE;
	__add_wait_queue(wq, entry);
}

static inline void __add_wait_queue_entry_tail(struct wait_queue_head *wq,
					       struct wait_queue_entry *entry)
{
	list_add_tail(&entry->entry, &wq->head);
}

static inline void __add_wait_queue_entry_tail_exclusive(struct wait_queue_head *wq,
							 struct wait_queue_entry *entry)
{
	entry->flags |= WQ_FLAG_EXCLUSIVE;
	__add_wait_queue_entry_tail(wq, entry);
}

static inline void __remove_wait_queue(struct wait_queue_head *wq,
				       struct wait_queue_entry *entry)
{
	list_del(&entry->entry);
}

#define wake_up(wq)			__wake_up(wq, TASK_NORMAL, 1, NULL)
#define wake_up_nr(wq, nr)		__wake_up(wq, TASK_NORMAL, nr, NULL)
#define wake_up_all(wq)			__wake_up(wq, TASK_NORMAL, 0, NULL)
#define wake_up_locked(wq)		__wake_up_locked((wq), TASK_NORMAL, 1)
#define wake_up_all_locked(wq)		__wake_up_locked((wq), TASK_NORMAL, 0)
#define wake_up_sync(wq)		__wake_up_sync(wq, TASK_NORMAL)
#define wake_up_interruptible(wq)	__wake_up(wq, TASK_INTERRUPTIBLE, 1, NULL)
#define wake_up_interruptible_nr(wq, nr) __wake_up(wq, TASK_INTERRUPTIBLE, nr, NULL)
#define wake_up_interruptible_all(wq)	__wake_up(wq, TASK_INTERRUPTIBLE, 0, NULL)
#define wake_up_interruptible_sync(wq)	__wake_up_sync((wq), TASK_INTERRUPTIBLE)

#define poll_to_key(mask)		((void *)(unsigned long)(mask))
#define key_to_poll(key)		((unsigned int)(unsigned long)(key))
#define wake_up_poll(wq, mask) \
	__wake_up(wq, TASK_NORMAL, 1, poll_to_key(mask))
#define wake_up_locked_poll(wq, mask) \
	__wake_up_locked_key((wq), TASK_NORMAL, poll_to_key(mask))
#define wake_up_interruptible_poll(wq, mask) \
	__wake_up(wq, TASK_INTERRUPTIBLE, 1, poll_to_key(mask))
#define wake_up_interruptible_sync_poll(wq, mask) \
	__wake_up_sync_key((wq), TASK_INTERRUPTIBLE, poll_to_key(mask))

/*
 * The sleeps of before 3.15: a wake-up between the caller's test and the
 * sleep is lost, which is why they are gone.
 */
static inline long __sleep_on(struct wait_queue_head *wq, int state, long timeout)
{
	DEFINE_WAIT(wait);

	prepare_to_wait(wq, &wait, state);
	timeout = schedule_timeout(timeout);
	finish_wait(wq, &wait);
	return timeout;
}

static inline void sleep_on(struct wait_queue_head *wq)
{
	__sleep_on(wq, TASK_UNINTERRUPTIBLE, MAX_SCHEDULE_TIMEOUT);
}

static inline long sleep_on_timeout(struct wait_queue_head *wq, long timeout)
{
	return __sleep_on(wq, TASK_UNINTERRUPTIBLE, timeout);
}

static inline void interruptible_sleep_on(struct wait_queue_head *wq)
{
	__sleep_on(wq, TASK_INTERRUPTIBLE, MAX_SCHEDULE_TIMEOUT);
}

static inline long interruptible_sleep_on_timeout(struct wait_queue_head *wq,
						  long timeout)
{
	return __sleep_on(wq, TASK_INTERRUPTIBLE, timeout);
}

#endif
