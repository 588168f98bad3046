/*
 * wake_up_interruptible wakes interruptible sleepers only; wake_up wakes killable and idle ones too.
 *
 * Covers: wake_up, wake_up_interruptible (include/linux/wait.h), wait_event, wait_event_killable,
 * wait_event_idle, wait_event_interruptible.
 */
#include "case.h"

static DECLARE_WAIT_QUEUE_HEAD(queue);
static bool open, passed;

static int uninterruptible(void *unused)
{
	wait_event(queue, READ_ONCE(open));
	WRITE_ONCE(passed, true);
	return until_stopped(NULL);
}

static int killable(void *unused)
{
	wait_event_killable(queue, READ_ONCE(open));
	WRITE_ONCE(passed, true);
	return until_stopped(NULL);
}

static int idle(void *unused)
{
	wait_event_idle(queue, READ_ONCE(open));
	WRITE_ONCE(passed, true);
	return until_stopped(NULL);
}

static int interruptible(void *unused)
{
	wait_event_interruptible(queue, READ_ONCE(open));
	WRITE_ONCE(passed, true);
	return until_stopped(NULL);
}

static void wake_in(int (*fn)(void *), unsigned int state, const char *name)
{
	struct task_struct *task = kthread_run(fn, NULL, "wake_in");
	bool asleep = sleeps_in(task, state), by_interruptible;

	WRITE_ONCE(passed, false);
	WRITE_ONCE(open, true);
	wake_up_interruptible(&queue);
	msleep(200);
	by_interruptible = READ_ONCE(passed);
	wake_up(&queue);
	say("%s: asleep=%d by wake_up_interruptible=%d by wake_up=%d", name, asleep,
	    by_interruptible, soon(READ_ONCE(passed)));
	WRITE_ONCE(open, false);
	kthread_stop(task);
}

static int __init wake_masks_init(void)
{
	wake_in(uninterruptible, TASK_UNINTERRUPTIBLE, "uninterruptible");
	wake_in(killable, TASK_KILLABLE, "killable");
	wake_in(idle, TASK_IDLE, "idle");
	wake_in(interruptible, TASK_INTERRUPTIBLE, "interruptible");
	return 0;
}

static void __exit wake_masks_exit(void)
{
}

module_init(wake_masks_init);
module_exit(wake_masks_exit);
