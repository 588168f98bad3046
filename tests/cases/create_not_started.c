/*
 * A created thread sleeps in state D until it is woken; only then does its function run.
 *
 * Covers: kthread_create (kernel/kthread.c:kthread), wake_up_process (1 the first time, 0 for a running thread).
 *
 * script:
 *   insmod create_not_started.ko
 *   echo "case: $(grep State /proc/$(pgrep -x not_started)/status)"
 *   rmmod create_not_started
 */
#include "case.h"

static struct task_struct *task;
static bool ran, seen;

static int spin(void *unused)
{
	WRITE_ONCE(ran, true);
	while (!READ_ONCE(seen))
		cond_resched();
	return until_stopped(NULL);
}

static int __init create_not_started_init(void)
{
	task = kthread_create(spin, NULL, "not_started");
	say("error=%d state=%u", IS_ERR(task), READ_ONCE(task->__state));
	msleep(50);
	say("ran=%d", READ_ONCE(ran));
	return 0;
}

static void __exit create_not_started_exit(void)
{
	say("first_wake=%d", wake_up_process(task));
	say("started=%d", soon(READ_ONCE(ran)));
	say("wake_while_running=%d", wake_up_process(task));
	WRITE_ONCE(seen, true);
	say("result=%d", kthread_stop(task));
}

module_init(create_not_started_init);
module_exit(create_not_started_exit);
