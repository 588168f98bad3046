/*
 * kthread_stop of a thread that was never woken returns -EINTR and its function never runs. Right after
 * kthread_run either happens: -EINTR without a run, or the function's result.
 *
 * Covers: kthread_stop (kernel/kthread.c:kthread).
 */
#include "case.h"

static bool ran;

static int note_run(void *unused)
{
	WRITE_ONCE(ran, true);
	return 7;
}

static int seven_when_stopped(void *unused)
{
	WRITE_ONCE(ran, true);
	until_stopped(NULL);
	return 7;
}

static int __init stop_never_woken_init(void)
{
	struct task_struct *task = kthread_create(note_run, NULL, "never_woken");
	int result = kthread_stop(task);

	msleep(20);
	say("never woken: result=%d ran=%d", result, ran);
	task = kthread_run(seven_when_stopped, NULL, "just_woken");
	result = kthread_stop(task);
	say("just woken: fits=%d", ran ? result == 7 : result == -EINTR);
	return 0;
}

static void __exit stop_never_woken_exit(void)
{
}

module_init(stop_never_woken_init);
module_exit(stop_never_woken_exit);
