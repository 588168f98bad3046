/*
 * A thread that ends is reaped at once: kthreadd ignores SIGCHLD, so there is never a zombie, and the task's
 * exit code is 0 whatever the function returned.
 *
 * Covers: kernel/exit.c:exit_notify, kernel/kthread.c:kthread_exit, and kthread_stop of a thread that ended
 * by itself while somebody holds a reference: at once, with its result.
 */
#include "case.h"

static struct task_struct *task;

static int ends_by_itself(void *unused)
{
	return 42;
}

static int __init exit_reaped_init(void)
{
	task = kthread_create(ends_by_itself, NULL, "ends_by_itself");
	get_task_struct(task);
	say("exit_signal=%d exit_state=%d", task->exit_signal, task->exit_state);
	wake_up_process(task);
	say("gone=%d", soon(READ_ONCE(task->exit_state) != 0));
	say("exit_state=%d exit_code=%d", task->exit_state, task->exit_code);
	say("result=%d", kthread_stop(task));
	put_task_struct(task);
	return 0;
}

static void __exit exit_reaped_exit(void)
{
}

module_init(exit_reaped_init);
module_exit(exit_reaped_exit);
