/*
 * schedule_timeout returns what is left of its time: 0 when it has passed, never less, MAX_SCHEDULE_TIMEOUT
 * for a sleep without end; in TASK_RUNNING it returns at once. The state is TASK_RUNNING afterwards.
 *
 * Covers: schedule_timeout, schedule_timeout_uninterruptible (kernel/time/timer.c), woken early by
 * wake_up_process, which does not shorten msleep; a negative time is refused in the log and returns 0.
 */
#include "case.h"

static long left;

static int sleep_for_ever(void *unused)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	left = schedule_timeout(MAX_SCHEDULE_TIMEOUT);
	say("without end: left is the same=%d state=%u", left == MAX_SCHEDULE_TIMEOUT,
	    READ_ONCE(current->__state));
	return until_stopped(NULL);
}

static int sleep_long(void *unused)
{
	left = schedule_timeout_uninterruptible(600 * HZ);
	say("woken early: some left=%d state=%u", left > 0 && left <= 600 * HZ,
	    READ_ONCE(current->__state));
	return until_stopped(NULL);
}

static int sleep_surely(void *unused)
{
	unsigned long begin = jiffies;

	msleep(200);
	say("msleep woken: early=%d", time_before(jiffies, begin + msecs_to_jiffies(200)));
	return until_stopped(NULL);
}

static void wake_in(int (*fn)(void *))
{
	struct task_struct *task = kthread_run(fn, NULL, "wake_in");

	soon(READ_ONCE(task->__state) == TASK_UNINTERRUPTIBLE);
	wake_up_process(task);
	sleeps_in(task, TASK_INTERRUPTIBLE);
	kthread_stop(task);
}

static int __init schedule_timeout_init(void)
{
	unsigned long begin = jiffies;

	set_current_state(TASK_UNINTERRUPTIBLE);
	left = schedule_timeout(10);
	say("passed: left=%ld early=%d state=%u", left, time_before(jiffies, begin + 10),
	    READ_ONCE(current->__state));
	left = schedule_timeout(600 * HZ);
	say("running: at once=%d", left > 500 * HZ);
	set_current_state(TASK_UNINTERRUPTIBLE);
	left = schedule_timeout(-5);
	say("negative: left=%ld state=%u", left, READ_ONCE(current->__state));
	set_current_state(TASK_UNINTERRUPTIBLE);
	left = schedule_timeout(0);
	say("zero: left=%ld state=%u", left, READ_ONCE(current->__state));
	schedule();
	say("schedule while running: state=%u", READ_ONCE(current->__state));
	set_current_state(TASK_INTERRUPTIBLE);
	say("woken before it slept: wake=%d", wake_up_process(current));
	schedule();
	say("it did not sleep: state=%u", READ_ONCE(current->__state));
	wake_in(sleep_for_ever);
	wake_in(sleep_long);
	wake_in(sleep_surely);
	return 0;
}

static void __exit schedule_timeout_exit(void)
{
}

module_init(schedule_timeout_init);
module_exit(schedule_timeout_exit);
