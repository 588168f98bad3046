/*
 * kthread_stop ends every interruptible wait, even one whose condition does not mention kthread_should_stop.
 *
 * Covers: wait_event_interruptible and its timeout form, wait_for_completion_interruptible (-ERESTARTSYS),
 * down_interruptible, mutex_lock_interruptible (-EINTR), msleep_interruptible, schedule_timeout_interruptible
 * (early), a plain schedule() in either state (woken), after kthread_stop (kernel/kthread.c).
 */
#include "case.h"
#include <linux/mutex.h>
#include <linux/semaphore.h>

static DECLARE_WAIT_QUEUE_HEAD(queue);
static DECLARE_COMPLETION(never);
static DEFINE_MUTEX(held);
static struct semaphore empty;

static int in_wait_event(void *unused)
{
	return wait_event_interruptible(queue, false);
}

static int in_wait_event_timeout(void *unused)
{
	return wait_event_interruptible_timeout(queue, false, 600 * HZ);
}

static int in_completion(void *unused)
{
	return wait_for_completion_interruptible(&never);
}

static int in_semaphore(void *unused)
{
	return down_interruptible(&empty);
}

static int in_mutex(void *unused)
{
	return mutex_lock_interruptible(&held);
}

static int in_msleep(void *unused)
{
	unsigned long left = msleep_interruptible(600 * MSEC_PER_SEC);

	/* It sleeps a jiffy longer than asked for, so if it is ended within the first, more is left. */
	return left > 0 && left <= 600 * MSEC_PER_SEC + jiffies_to_msecs(1);
}

static int in_schedule_timeout(void *unused)
{
	return schedule_timeout_interruptible(600 * HZ) > 0;
}

static int in_schedule(void *unused)
{
	set_current_state(TASK_INTERRUPTIBLE);
	schedule();
	return 1;
}

static int in_uninterruptible_schedule(void *unused)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule();
	return 1;
}

static void stop_in(int (*fn)(void *), unsigned int state, const char *name)
{
	struct task_struct *task = kthread_run(fn, NULL, "stop_in");
	bool asleep = sleeps_in(task, state);

	say("%s: asleep=%d result=%d", name, asleep, kthread_stop(task));
}

static int __init stop_ends_interruptible_init(void)
{
	sema_init(&empty, 0);
	mutex_lock(&held);
	stop_in(in_wait_event, TASK_INTERRUPTIBLE, "wait_event");
	stop_in(in_wait_event_timeout, TASK_INTERRUPTIBLE, "wait_event_timeout");
	stop_in(in_completion, TASK_INTERRUPTIBLE, "completion");
	stop_in(in_semaphore, TASK_INTERRUPTIBLE, "semaphore");
	stop_in(in_mutex, TASK_INTERRUPTIBLE, "mutex");
	stop_in(in_msleep, TASK_INTERRUPTIBLE, "msleep");
	stop_in(in_schedule_timeout, TASK_INTERRUPTIBLE, "schedule_timeout");
	stop_in(in_schedule, TASK_INTERRUPTIBLE, "schedule");
	stop_in(in_uninterruptible_schedule, TASK_UNINTERRUPTIBLE, "schedule in D");
	mutex_unlock(&held);
	say("nothing left waiting: queue=%d", waitqueue_active(&queue));
	return 0;
}

static void __exit stop_ends_interruptible_exit(void)
{
}

module_init(stop_ends_interruptible_init);
module_exit(stop_ends_interruptible_exit);
