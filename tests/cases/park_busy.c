/*
 * Parking a thread that is parked already warns and returns -EBUSY, an ended one -ENOSYS; a thread that
 * parks itself only sets the bit. kthread_stop unparks first.
 *
 * Covers: kthread_park, kthread_stop (kernel/kthread.c).
 */
#include "case.h"

static int park_when_asked(void *unused)
{
	while (!kthread_should_stop()) {
		if (kthread_should_park())
			kthread_parkme();
		msleep(1);
	}
	return 11;
}

static int park_itself(void *unused)
{
	say("itself: park=%d", kthread_park(current));
	say("itself: should_park=%d state=%u", kthread_should_park(), READ_ONCE(current->__state));
	kthread_parkme();
	say("itself: unparked should_park=%d should_stop=%d", kthread_should_park(),
	    kthread_should_stop());
	until_stopped(NULL);
	return 12;
}

static int end(void *unused)
{
	return 13;
}

static int __init park_busy_init(void)
{
	struct task_struct *task = kthread_run(park_when_asked, NULL, "park_busy");

	say("park=%d", kthread_park(task));
	say("park again=%d", kthread_park(task));
	say("state=0x%x", READ_ONCE(task->__state));
	say("stopped while parked: result=%d", kthread_stop(task));

	task = kthread_run(park_itself, NULL, "park_itself");
	say("parked=%d", sleeps_in(task, TASK_PARKED));
	kthread_unpark(task);
	say("unparked=%d", sleeps_in(task, TASK_INTERRUPTIBLE));
	say("result=%d", kthread_stop(task));

	task = kthread_create(end, NULL, "ended");
	get_task_struct(task);
	wake_up_process(task);
	soon(READ_ONCE(task->exit_state) != 0);
	say("ended: park=%d", kthread_park(task));
	say("ended: result=%d", kthread_stop(task));
	put_task_struct(task);
	return 0;
}

static void __exit park_busy_exit(void)
{
}

module_init(park_busy_init);
module_exit(park_busy_exit);
