/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_WAIT_EVENT_H
#define _KTHREADS_LINUX_WAIT_EVENT_H

/*
 * Included by linux/wait.h: wait_event() and its forms. @wq is an lvalue. The
 * condition is tested before anything else, and again after the task is queued
 * and its state is set, so a wake-up that follows the test is never lost. A
 * true condition wins over a signal, and over the end of the time.
 */
#include <linux/wait.h>

/*
 * One wait; @sleep may break out of the loop after setting __we_result. Who was
 * woken looks before it queues again: mostly its waker has taken it out of the
 * queue, and there is nothing left to do.
 */
#define __wait_event_loop(wq, cond, state, flags, result, sleep) ({	\
	struct wait_queue_entry __we_entry;				\
	long __we_result = (result);					\
	long __we_signal = __begin_wait_event(&(wq), &__we_entry,	\
					      (state), (flags));	\
	while (!(cond)) {						\
		if (__we_signal) {					\
			__we_result = __we_signal;			\
			break;						\
		}							\
		sleep;							\
		if (cond)						\
			break;						\
		__we_signal = prepare_to_wait_event(&(wq), &__we_entry,	\
						    (state));		\
	}								\
	finish_wait(&(wq), &__we_entry);				\
	__we_result; })

#define ___wait_event(wq, cond, state, exclusive, ret, cmd)		\
	__wait_event_loop(wq, cond, state,				\
			  (exclusive) ? WQ_FLAG_EXCLUSIVE : 0, ret, cmd)

/* True when @left has run out too; a condition that holds then leaves 1. */
#define __cond_or_timeout(cond, left) ({	\
	bool __cot = !!(cond);			\
	if (__cot && !(left))			\
		(left) = 1;			\
	__cot || !(left); })
#define ___wait_cond_timeout(cond)	__cond_or_timeout(cond, __we_result)

#define __wait_event_with(wq, cond, state, flags, sleep) ({		\
	int __we_ret = 0;						\
	if (!(cond))							\
		__we_ret = __wait_event_loop(wq, cond, state, flags, 0,	\
					     sleep);			\
	__we_ret; })

#define __wait_event_timed(wq, cond, state, flags, timeout, sleep) ({	\
	long __we_left = (timeout);					\
	if (!__cond_or_timeout(cond, __we_left))			\
		__we_left = __wait_event_loop(wq,			\
			__cond_or_timeout(cond, __we_result),		\
			state, flags, __we_left, sleep);		\
	__we_left; })

#define __wait_event_plain(wq, cond, state, flags) ({			\
	might_sleep();							\
	__wait_event_with(wq, cond, state, flags, schedule()); })

#define __wait_event_timeout(wq, cond, state, flags, timeout) ({	\
	might_sleep();							\
	__wait_event_timed(wq, cond, state, flags, timeout,		\
			   __we_result = schedule_timeout(__we_result)); })

#define __wait_event_until(wq, cond, state, timeout) ({			\
	int __we_ret = 0;						\
	ktime_t __we_span = (timeout), __we_until;			\
	bool __we_over = false;						\
	might_sleep();							\
	if (!(cond)) {							\
		__we_until = ktime_add_safe(ktime_get(), __we_span);	\
		__we_ret = __wait_event_loop(wq, cond, state, 0, 0, ({	\
			if (__we_over) {				\
				__we_result = -ETIME;			\
				break;					\
			}						\
			__we_over = !schedule_hrtimeout_range(		\
				__we_span == KTIME_MAX ? NULL		\
						       : &__we_until,	\
				0, HRTIMER_MODE_ABS); }));		\
	}								\
	__we_ret; })

#define wait_event(wq, cond) \
	((void)__wait_event_plain(wq, cond, TASK_UNINTERRUPTIBLE, 0))
#define io_wait_event(wq, cond)	wait_event(wq, cond)
#define wait_event_idle(wq, cond) \
	((void)__wait_event_plain(wq, cond, TASK_IDLE, 0))
#define wait_event_idle_exclusive(wq, cond) \
	((void)__wait_event_plain(wq, cond, TASK_IDLE, WQ_FLAG_EXCLUSIVE))
#define wait_event_interruptible(wq, cond) \
	__wait_event_plain(wq, cond, TASK_INTERRUPTIBLE, 0)
#define wait_event_interruptible_exclusive(wq, cond) \
	__wait_event_plain(wq, cond, TASK_INTERRUPTIBLE, WQ_FLAG_EXCLUSIVE)
#define wait_event_killable(wq, cond) \
	__wait_event_plain(wq, cond, TASK_KILLABLE, 0)
#define wait_event_killable_exclusive(wq, cond) \
	__wait_event_plain(wq, cond, TASK_KILLABLE, WQ_FLAG_EXCLUSIVE)
#define wait_event_state(wq, cond, state) \
	__wait_event_plain(wq, cond, state, 0)
#define wait_event_freezable(wq, cond) \
	__wait_event_plain(wq, cond, TASK_INTERRUPTIBLE | TASK_FREEZABLE, 0)
#define wait_event_freezable_exclusive(wq, cond)			\
	__wait_event_plain(wq, cond, TASK_INTERRUPTIBLE | TASK_FREEZABLE, \
			   WQ_FLAG_EXCLUSIVE)

#define wait_event_timeout(wq, cond, timeout) \
	__wait_event_timeout(wq, cond, TASK_UNINTERRUPTIBLE, 0, timeout)
#define wait_event_interruptible_timeout(wq, cond, timeout) \
	__wait_event_timeout(wq, cond, TASK_INTERRUPTIBLE, 0, timeout)
#define wait_event_killable_timeout(wq, cond, timeout) \
	__wait_event_timeout(wq, cond, TASK_KILLABLE, 0, timeout)
#define wait_event_idle_timeout(wq, cond, timeout) \
	__wait_event_timeout(wq, cond, TASK_IDLE, 0, timeout)
#define wait_event_idle_exclusive_timeout(wq, cond, timeout) \
	__wait_event_timeout(wq, cond, TASK_IDLE, WQ_FLAG_EXCLUSIVE, timeout)
#define wait_event_freezable_timeout(wq, cond, timeout)			\
	__wait_event_timeout(wq, cond, TASK_INTERRUPTIBLE | TASK_FREEZABLE, \
			     0, timeout)

#define wait_event_hrtimeout(wq, cond, timeout) \
	__wait_event_until(wq, cond, TASK_UNINTERRUPTIBLE, timeout)
#define wait_event_interruptible_hrtimeout(wq, cond, timeout) \
	((long)__wait_event_until(wq, cond, TASK_INTERRUPTIBLE, timeout))

#define wait_event_cmd(wq, cond, cmd1, cmd2)				\
	((void)__wait_event_with(wq, cond, TASK_UNINTERRUPTIBLE, 0,	\
				 ({ cmd1; schedule(); cmd2; })))
#define wait_event_exclusive_cmd(wq, cond, cmd1, cmd2)			\
	((void)__wait_event_with(wq, cond, TASK_UNINTERRUPTIBLE,	\
				 WQ_FLAG_EXCLUSIVE,			\
				 ({ cmd1; schedule(); cmd2; })))

/* Entered, left and tested with @lock (an lvalue) held, interrupts off. */
#define __sleep_unlocked(lock, cmd, sleep) ({	\
	spin_unlock_irq(&(lock));		\
	cmd;					\
	sleep;					\
	spin_lock_irq(&(lock)); })

#define wait_event_lock_irq_cmd(wq, cond, lock, cmd)			\
	((void)__wait_event_with(wq, cond, TASK_UNINTERRUPTIBLE, 0,	\
				 __sleep_unlocked(lock, cmd, schedule())))
#define wait_event_lock_irq(wq, cond, lock) \
	wait_event_lock_irq_cmd(wq, cond, lock, )
#define wait_event_interruptible_lock_irq_cmd(wq, cond, lock, cmd)	\
	__wait_event_with(wq, cond, TASK_INTERRUPTIBLE, 0,		\
			  __sleep_unlocked(lock, cmd, schedule()))
#define wait_event_interruptible_lock_irq(wq, cond, lock) \
	wait_event_interruptible_lock_irq_cmd(wq, cond, lock, )
#define __wait_event_lock_irq_timeout(wq, cond, lock, timeout, state)	\
	__wait_event_timed(wq, cond, state, 0, timeout,			\
		__sleep_unlocked(lock, ,				\
			__we_result = schedule_timeout(__we_result)))
#define wait_event_lock_irq_timeout(wq, cond, lock, timeout) \
	__wait_event_lock_irq_timeout(wq, cond, lock, timeout, TASK_UNINTERRUPTIBLE)
#define wait_event_interruptible_lock_irq_timeout(wq, cond, lock, timeout) \
	__wait_event_lock_irq_timeout(wq, cond, lock, timeout, TASK_INTERRUPTIBLE)

/* Entered and left with wq.lock held. */
#define __wait_event_locked(wq, cond, entry_flags, wait_fn) ({		\
	int __we_ret = 0;						\
	if (!(cond)) {							\
		DEFINE_WAIT(__we_entry);				\
		__we_entry.flags = (entry_flags);			\
		do {							\
			__we_ret = wait_fn(&(wq), &__we_entry);		\
		} while (!__we_ret && !(cond));				\
		__remove_wait_queue(&(wq), &__we_entry);		\
		__set_current_state(TASK_RUNNING);			\
	}								\
	__we_ret; })
#define wait_event_interruptible_locked(wq, cond) \
	__wait_event_locked(wq, cond, 0, do_wait_intr)
#define wait_event_interruptible_locked_irq(wq, cond) \
	__wait_event_locked(wq, cond, 0, do_wait_intr_irq)
#define wait_event_interruptible_exclusive_locked(wq, cond) \
	__wait_event_locked(wq, cond, WQ_FLAG_EXCLUSIVE, do_wait_intr)
#define wait_event_interruptible_exclusive_locked_irq(wq, cond) \
	__wait_event_locked(wq, cond, WQ_FLAG_EXCLUSIVE, do_wait_intr_irq)

#endif
