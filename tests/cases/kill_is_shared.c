/*
 * kill -9 from user space puts SIGKILL into the shared set, where fatal_signal_pending does not look: a
 * killable wait goes on. SIGKILL sent to the thread itself, as send_sig does, ends it.
 *
 * Covers: fatal_signal_pending (include/linux/sched/signal.h), wait_event_killable, kill(2), send_sig
 * (kernel/signal.c).
 *
 * script:
 *   insmod kill_is_shared.ko
 *   pkill -9 -x killable_wait
 *   sleep 0.2
 *   echo "case: $(grep State /proc/$(pgrep -x killable_wait)/status)"
 *   echo "case: $(grep SigPnd /proc/$(pgrep -x killable_wait)/status)"
 *   echo "case: $(grep ShdPnd /proc/$(pgrep -x killable_wait)/status)"
 *   rmmod kill_is_shared
 */
#include "case.h"

static struct task_struct *task;
static bool ended;
static DECLARE_WAIT_QUEUE_HEAD(queue);

static int killable_wait(void *unused)
{
	int waited;

	allow_signal(SIGKILL);
	waited = wait_event_killable(queue, false);
	say("wait=%d signal_pending=%d fatal=%d", waited, !!signal_pending(current),
	    !!fatal_signal_pending(current));
	WRITE_ONCE(ended, true);
	until_stopped(NULL);
	return 0;
}

static int __init kill_is_shared_init(void)
{
	task = kthread_run(killable_wait, NULL, "killable_wait");
	say("waits=%d", sleeps_in(task, TASK_KILLABLE));
	return 0;
}

static void __exit kill_is_shared_exit(void)
{
	bool left;
	int error;

	say("after kill: waits=%d signal_pending=%d fatal=%d", sleeps_in(task, TASK_KILLABLE),
	    !!signal_pending(task), !!fatal_signal_pending(task));
	error = send_sig(SIGKILL, task, 1);
	left = soon(READ_ONCE(ended));
	say("send_sig=%d left=%d", error, left);
	say("result=%d", kthread_stop(task));
}

module_init(kill_is_shared_init);
module_exit(kill_is_shared_exit);
