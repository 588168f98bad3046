/*
 * A thread is not frozen unless it asks to be, and with nobody freezing the calls change nothing.
 *
 * Covers: set_freezable, try_to_freeze (kernel/freezer.c), kthread_freezable_should_stop (kernel/kthread.c),
 * PF_NOFREEZE.
 */
#include "case.h"
#include <linux/freezer.h>

static int freezable(void *unused)
{
	bool was_frozen = true;
	bool stop;

	say("start: nofreeze=%d", !!(current->flags & PF_NOFREEZE));
	say("try_to_freeze=%d", try_to_freeze());
	say("set_freezable=%d", set_freezable());
	say("after: nofreeze=%d", !!(current->flags & PF_NOFREEZE));
	say("try_to_freeze=%d", try_to_freeze());
	stop = kthread_freezable_should_stop(&was_frozen);
	say("should_stop=%d was_frozen=%d", stop, was_frozen);
	until_stopped(NULL);
	say("should_stop=%d", kthread_freezable_should_stop(NULL));
	return 0;
}

static int __init freezable_init(void)
{
	struct task_struct *task = kthread_run(freezable, NULL, "freezable");

	sleeps_in(task, TASK_INTERRUPTIBLE);
	say("result=%d", kthread_stop(task));
	return 0;
}

static void __exit freezable_exit(void)
{
}

module_init(freezable_init);
module_exit(freezable_exit);
