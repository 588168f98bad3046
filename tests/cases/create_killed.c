/*
 * The caller of kthread_create that is hit by a fatal signal before kthreadd has answered gets -EINTR, and the
 * thread's function never runs. Any other pending signal does not disturb it.
 *
 * Covers: kthread_create (kernel/kthread.c:__kthread_create_on_node, a killable wait).
 */
#include "case.h"
#include <linux/cpumask.h>

static bool ran;

static int note_run(void *unused)
{
	WRITE_ONCE(ran, true);
	return 0;
}

static int create_with(void *signal)
{
	int sig = (int)(long)signal, error;
	struct task_struct *task;

	allow_signal(sig);
	send_sig(sig, current, 1);
	say("signal=%d pending=%d fatal=%d", sig, !!signal_pending(current),
	    !!fatal_signal_pending(current));
	task = kthread_create(note_run, NULL, "created");
	flush_signals(current);
	error = PTR_ERR_OR_ZERO(task);
	if (!error)
		kthread_stop(task);
	until_stopped(NULL);
	return error;
}

static void create_signalled(int sig)
{
	struct task_struct *task = kthread_create(create_with, (void *)(long)sig, "creator");

	kthread_bind(task, 0);
	sched_set_fifo(task);
	wake_up_process(task);
	sleeps_in(task, TASK_INTERRUPTIBLE);
	say("error=%d", kthread_stop(task));
}

static int __init create_killed_init(void)
{
	struct task_struct *task = kthread_run(until_stopped, NULL, "any_thread");
	struct task_struct *kthreadd = task->real_parent;

	/* On the creator's CPU, with less priority: kthreadd answers when the creator sleeps, not before. */
	set_cpus_allowed_ptr(kthreadd, cpumask_of(0));
	create_signalled(SIGTERM);
	create_signalled(SIGKILL);
	set_cpus_allowed_ptr(kthreadd, cpu_possible_mask);
	kthread_stop(task);
	msleep(50);
	say("ran=%d", ran);
	return 0;
}

static void __exit create_killed_exit(void)
{
}

module_init(create_killed_init);
module_exit(create_killed_exit);
