/*
 * kthread_complete_and_exit completes, if it was given a completion, and ends the thread with its code, cut
 * to an int.
 *
 * Covers: kthread_complete_and_exit (kernel/kthread.c).
 */
#include "case.h"

static DECLARE_COMPLETION(ended);

static int exit_with_completion(void *unused)
{
	kthread_complete_and_exit(&ended, 0x100000007L);
	return 1;
}

static int exit_without(void *unused)
{
	kthread_complete_and_exit(NULL, -3);
	return 1;
}

static int exit_of(int (*fn)(void *))
{
	struct task_struct *task = kthread_create(fn, NULL, "exiting");
	int result;

	get_task_struct(task);
	wake_up_process(task);
	soon(READ_ONCE(task->exit_state) != 0);
	result = kthread_stop(task);
	put_task_struct(task);
	return result;
}

static int __init complete_and_exit_init(void)
{
	say("result=%d", exit_of(exit_with_completion));
	say("done=%d", completion_done(&ended));
	say("result=%d", exit_of(exit_without));
	return 0;
}

static void __exit complete_and_exit_exit(void)
{
}

module_init(complete_and_exit_init);
module_exit(complete_and_exit_exit);
