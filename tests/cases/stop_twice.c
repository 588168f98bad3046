/*
 * A thread's end is an ordinary completion, completed once: of two concurrent stoppers only one returns, and
 * a second kthread_stop of an ended thread blocks for ever, reference or not. A thread that stops itself
 * waits for its own end.
 *
 * Covers: kthread_stop twice and of current (kernel/kthread.c; kernel/fork.c:complete_vfork_done). The threads
 * that hang can never end, so the module has no exit function and is not unloaded.
 *
 * script:
 *   insmod stop_twice.ko
 *   echo "case: $(grep State /proc/$(pgrep -x stops_itself)/status)"
 */
#include "case.h"

static atomic_t returned = ATOMIC_INIT(0);

static int stop_it(void *task)
{
	kthread_stop(task);
	atomic_inc(&returned);
	return 0;
}

static int stop_itself(void *unused)
{
	kthread_stop(current);
	atomic_inc(&returned);
	return 0;
}

static int __init stop_twice_init(void)
{
	struct task_struct *task = kthread_run(until_stopped, NULL, "stopped_twice");

	get_task_struct(task);
	sleeps_in(task, TASK_INTERRUPTIBLE);
	kthread_run(stop_it, task, "stopper_1");
	kthread_run(stop_it, task, "stopper_2");
	soon(atomic_read(&returned) > 0);
	msleep(300);
	say("of two stoppers returned=%d", atomic_read(&returned));
	kthread_run(stop_it, task, "stopper_3");
	msleep(300);
	say("with a later third one returned=%d", atomic_read(&returned));
	kthread_run(stop_itself, NULL, "stops_itself");
	msleep(300);
	say("with one that stops itself returned=%d", atomic_read(&returned));
	return 0;
}

module_init(stop_twice_init);
