/*
 * kthread_stop wakes a thread in an uninterruptible or killable wait, but the wait tests its condition and
 * sleeps again: kthread_stop comes back only when the condition holds, whatever signal its caller gets. A sleep
 * is not shortened either.
 *
 * Covers: wait_for_completion, wait_event, wait_for_completion_killable, wait_event_killable, msleep under
 * kthread_stop (kernel/kthread.c; kernel/sched/completion.c:do_wait_for_common).
 */
#include "case.h"

static DECLARE_WAIT_QUEUE_HEAD(queue);
static DECLARE_COMPLETION(gate);
static bool open, stopped;

static int in_completion(void *unused)
{
	wait_for_completion(&gate);
	return 1;
}

static int in_killable_completion(void *unused)
{
	return wait_for_completion_killable(&gate);
}

static int in_wait_event(void *unused)
{
	wait_event(queue, READ_ONCE(open));
	return 1;
}

static int in_killable_wait_event(void *unused)
{
	return wait_event_killable(queue, READ_ONCE(open));
}

static int stop_it(void *task)
{
	int result;

	allow_signal(SIGTERM);
	result = kthread_stop(task);
	WRITE_ONCE(stopped, true);
	return result;
}

static void stop_in(int (*fn)(void *), unsigned int state, const char *name)
{
	struct task_struct *task = kthread_run(fn, NULL, "stop_in"), *stopper;
	bool asleep = sleeps_in(task, state), early, again;
	int result;

	stopped = false;
	stopper = kthread_create(stop_it, task, "stopper");
	get_task_struct(stopper);
	wake_up_process(stopper);
	sleeps_in(stopper, TASK_UNINTERRUPTIBLE);
	send_sig(SIGTERM, stopper, 1);
	msleep(200);
	early = READ_ONCE(stopped);
	again = sleeps_in(task, state);
	WRITE_ONCE(open, true);
	complete(&gate);
	wake_up(&queue);
	soon(READ_ONCE(stopped));
	result = kthread_stop(stopper);
	put_task_struct(stopper);
	say("%s: asleep=%d early=%d asleep_again=%d result=%d", name, asleep, early, again, result);
	WRITE_ONCE(open, false);
	reinit_completion(&gate);
}

static int in_msleep(void *unused)
{
	unsigned long begin = jiffies;

	msleep(300);
	return time_after_eq(jiffies, begin + msecs_to_jiffies(300));
}

static int __init stop_waits_uninterruptible_init(void)
{
	struct task_struct *task;
	bool asleep;

	stop_in(in_completion, TASK_UNINTERRUPTIBLE, "completion");
	stop_in(in_killable_completion, TASK_KILLABLE, "killable completion");
	stop_in(in_wait_event, TASK_UNINTERRUPTIBLE, "wait_event");
	stop_in(in_killable_wait_event, TASK_KILLABLE, "killable wait_event");
	task = kthread_run(in_msleep, NULL, "in_msleep");
	asleep = soon(READ_ONCE(task->__state) == TASK_UNINTERRUPTIBLE);
	say("msleep: asleep=%d full_length=%d", asleep, kthread_stop(task));
	return 0;
}

static void __exit stop_waits_uninterruptible_exit(void)
{
}

module_init(stop_waits_uninterruptible_init);
module_exit(stop_waits_uninterruptible_exit);
