/*
 * kthread_park blocks until the thread calls kthread_parkme. It is no signal: an interruptible wait whose
 * condition ignores kthread_should_park goes on. kthread_unpark of a thread that is not parked wakes nobody.
 *
 * Covers: kthread_park, kthread_unpark (kernel/kthread.c).
 */
#include "case.h"

static DECLARE_WAIT_QUEUE_HEAD(queue);
static bool open, parked;

static int ignore_park(void *unused)
{
	int waited = wait_event_interruptible(queue, READ_ONCE(open));

	say("wait=%d should_park=%d signal_pending=%d", waited, kthread_should_park(),
	    !!signal_pending(current));
	kthread_parkme();
	return until_stopped(NULL);
}

static int park_it(void *task)
{
	int result = kthread_park(task);

	WRITE_ONCE(parked, true);
	until_stopped(NULL);
	return result;
}

static int one_schedule(void *unused)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule();
	return 21;
}

static int __init park_waits_for_parkme_init(void)
{
	struct task_struct *task = kthread_run(ignore_park, NULL, "ignore_park"), *parker;

	sleeps_in(task, TASK_INTERRUPTIBLE);
	parker = kthread_run(park_it, task, "parker");
	msleep(200);
	say("parked=%d still_waiting=%d", READ_ONCE(parked), sleeps_in(task, TASK_INTERRUPTIBLE));
	WRITE_ONCE(open, true);
	wake_up(&queue);
	say("parked=%d", soon(READ_ONCE(parked)));
	say("state=0x%x", READ_ONCE(task->__state));
	say("park=%d stop=%d", kthread_stop(parker), kthread_stop(task));

	task = kthread_run(one_schedule, NULL, "one_schedule");
	sleeps_in(task, TASK_UNINTERRUPTIBLE);
	kthread_unpark(task);
	msleep(50);
	say("unpark of a sleeper: state=%u", READ_ONCE(task->__state));
	say("result=%d", kthread_stop(task));
	return 0;
}

static void __exit park_waits_for_parkme_exit(void)
{
}

module_init(park_waits_for_parkme_init);
module_exit(park_waits_for_parkme_exit);
