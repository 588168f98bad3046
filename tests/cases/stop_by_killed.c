/*
 * kthread_stop waits for the thread's end even if a fatal signal is pending for its caller, or comes meanwhile:
 * it comes back with what the thread returned, and the signal is still pending.
 *
 * Covers: kthread_stop (kernel/kthread.c: an uninterruptible wait, not a killable one).
 */
#include "case.h"

static DECLARE_COMPLETION(gate);
static bool kill_first, stopped;

static int behind_gate(void *unused)
{
	wait_for_completion(&gate);
	return 7;
}

static int stop_it(void *task)
{
	int result;

	allow_signal(SIGKILL);
	if (kill_first)
		send_sig(SIGKILL, current, 1);
	result = kthread_stop(task);
	say("fatal=%d result=%d", !!fatal_signal_pending(current), result);
	WRITE_ONCE(stopped, true);
	return result;
}

static void stop_killed(bool first)
{
	struct task_struct *task = kthread_run(behind_gate, NULL, "behind_gate"), *stopper;
	bool asleep, early;

	sleeps_in(task, TASK_UNINTERRUPTIBLE);
	kill_first = first;
	stopped = false;
	stopper = kthread_create(stop_it, task, "stopper");
	get_task_struct(stopper);
	wake_up_process(stopper);
	asleep = sleeps_in(stopper, TASK_UNINTERRUPTIBLE);
	if (!first)
		send_sig(SIGKILL, stopper, 1);
	msleep(200);
	early = READ_ONCE(stopped);
	complete(&gate);
	soon(READ_ONCE(stopped));
	say("killed %s: asleep=%d early=%d result=%d", first ? "before" : "meanwhile", asleep, early,
	    kthread_stop(stopper));
	put_task_struct(stopper);
}

static int __init stop_by_killed_init(void)
{
	stop_killed(true);
	stop_killed(false);
	return 0;
}

static void __exit stop_by_killed_exit(void)
{
}

module_init(stop_by_killed_init);
module_exit(stop_by_killed_exit);
