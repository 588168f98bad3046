/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_FREEZER_H
#define _KTHREADS_LINUX_FREEZER_H

#include <linux/sched.h>
#include <linux/wait.h>

/* Nothing ever freezes: the system is not suspended. */
extern bool set_freezable(void);

static inline bool frozen(struct task_struct *p)
{
	return false;
}

static inline bool freezing(struct task_struct *p)
{
	return false;
}

static inline bool try_to_freeze(void)
{
	might_sleep();
	return false;
}

/* The names of before 6.1, and two of before 3.3. */
#define freezable_schedule()				schedule()
#define freezable_schedule_timeout(t)			schedule_timeout(t)
#define freezable_schedule_timeout_interruptible(t)	schedule_timeout_interruptible(t)
#define freezable_schedule_timeout_killable(t)		schedule_timeout_killable(t)
#define freezer_do_not_count()				do { } while (0)
#define freezer_count()					do { } while (0)
#define set_freezable_with_signal()			set_freezable()
#define refrigerator()					do { } while (0)

#endif
