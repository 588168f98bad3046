/*
 * After allow_signal a signal ends interruptible waits and stays pending until it is taken or flushed; it
 * never ends the thread, not even SIGKILL. Another thread's signals are not touched.
 *
 * Covers: allow_signal, flush_signals, kernel_dequeue_signal (kernel/signal.c), SigIgn, SigCgt and ShdPnd.
 *
 * script:
 *   insmod allow_signal.ko
 *   echo "case: $(grep SigIgn /proc/$(pgrep -x allows)/status)"
 *   echo "case: $(grep SigCgt /proc/$(pgrep -x allows)/status)"
 *   echo "case: $(grep SigIgn /proc/$(pgrep -x allows_not)/status)"
 *   pkill -1 -x allows
 *   sleep 0.5
 *   pkill -15 -x allows
 *   sleep 0.5
 *   pkill -9 -x allows
 *   sleep 0.5
 *   echo "case: $(grep State /proc/$(pgrep -x allows)/status)"
 *   echo "case: $(grep ShdPnd /proc/$(pgrep -x allows)/status)"
 *   pkill -15 -x allows_not
 *   rmmod allow_signal
 */
#include "case.h"

static struct task_struct *task, *other;
static DECLARE_WAIT_QUEUE_HEAD(queue);

static int allows(void *unused)
{
	int waited, taken;

	allow_signal(SIGTERM);
	allow_signal(SIGKILL);
	while (!kthread_should_stop()) {
		waited = wait_event_interruptible(queue, kthread_should_stop());
		if (kthread_should_stop())
			break;
		say("wait=%d signal_pending=%d", waited, !!signal_pending(current));
		waited = wait_event_interruptible(queue, kthread_should_stop());
		say("wait again=%d", waited);
		taken = kernel_dequeue_signal();
		say("dequeued=%d then=%d", taken, kernel_dequeue_signal());
		say("signal_pending=%d", !!signal_pending(current));
	}
	return 0;
}

static int __init allow_signal_init(void)
{
	other = kthread_run(until_stopped, NULL, "allows_not");
	task = kthread_run(allows, NULL, "allows");
	sleeps_in(task, TASK_INTERRUPTIBLE);
	sleeps_in(other, TASK_INTERRUPTIBLE);
	return 0;
}

static void __exit allow_signal_exit(void)
{
	say("result=%d other=%d", kthread_stop(task), kthread_stop(other));
}

module_init(allow_signal_init);
module_exit(allow_signal_exit);
