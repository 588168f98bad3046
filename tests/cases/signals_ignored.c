/*
 * A kernel thread ignores every signal: kill -9 succeeds, has no effect and does not even become pending.
 *
 * Covers: kernel/signal.c:ignore_signals, sig_ignored; kill(2) and send_sig of an ignored signal.
 *
 * script:
 *   insmod signals_ignored.ko
 *   echo "case: $(grep SigIgn /proc/$(pgrep -x unmoved)/status)"
 *   echo "case: $(grep SigCgt /proc/$(pgrep -x unmoved)/status)"
 *   echo "case: $(grep SigBlk /proc/$(pgrep -x unmoved)/status)"
 *   kill -9 $(pgrep -x unmoved)
 *   pkill -15 -x unmoved
 *   sleep 0.2
 *   echo "case: $(grep State /proc/$(pgrep -x unmoved)/status)"
 *   echo "case: $(grep SigPnd /proc/$(pgrep -x unmoved)/status)"
 *   echo "case: $(grep ShdPnd /proc/$(pgrep -x unmoved)/status)"
 *   rmmod signals_ignored
 */
#include "case.h"

static struct task_struct *task;

static DECLARE_WAIT_QUEUE_HEAD(queue);

static int unmoved(void *unused)
{
	int waited = wait_event_interruptible(queue, kthread_should_stop());

	say("wait=%d", waited);
	return 0;
}

static int __init signals_ignored_init(void)
{
	task = kthread_run(unmoved, NULL, "unmoved");
	sleeps_in(task, TASK_INTERRUPTIBLE);
	return 0;
}

static void __exit signals_ignored_exit(void)
{
	say("send_sig=%d", send_sig(SIGKILL, task, 1));
	msleep(20);
	say("state=%u signal_pending=%d", READ_ONCE(task->__state), !!signal_pending(task));
	say("result=%d", kthread_stop(task));
}

module_init(signals_ignored_init);
module_exit(signals_ignored_exit);
