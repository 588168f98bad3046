/*
 * A created, never woken thread can be parked before its function runs; kthread_unpark then starts it.
 * If it is stopped instead, its function still runs, once, with kthread_should_stop() true: the result is
 * the function's and not -EINTR.
 *
 * Covers: kthread_park, kthread_unpark, kthread_stop (kernel/kthread.c:kthread).
 */
#include "case.h"

static int runs;

static int count_runs(void *unused)
{
	WRITE_ONCE(runs, runs + 1);
	say("runs: should_stop=%d should_park=%d", kthread_should_stop(), kthread_should_park());
	until_stopped(NULL);
	return 5;
}

static struct task_struct *parked_before_start(void)
{
	struct task_struct *task = kthread_create(count_runs, NULL, "count_runs");

	runs = 0;
	say("park=%d", kthread_park(task));
	say("state=0x%x", READ_ONCE(task->__state));
	msleep(50);
	say("runs=%d", READ_ONCE(runs));
	return task;
}

static int __init park_before_start_init(void)
{
	struct task_struct *task = parked_before_start();

	kthread_unpark(task);
	say("unparked: started=%d", sleeps_in(task, TASK_INTERRUPTIBLE));
	say("result=%d", kthread_stop(task));
	say("runs=%d", runs);

	task = parked_before_start();
	say("stopped while parked: result=%d", kthread_stop(task));
	say("runs=%d", runs);
	return 0;
}

static void __exit park_before_start_exit(void)
{
}

module_init(park_before_start_init);
module_exit(park_before_start_exit);
