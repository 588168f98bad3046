/*
 * Once kthread_stop has been called, signal_pending() is true in the thread although no signal is pending or
 * allowed; flush_signals does not undo it, and it is not a fatal signal.
 *
 * Covers: kthread_stop (kernel/kthread.c), signal_pending, fatal_signal_pending (include/linux/sched/signal.h),
 * flush_signals (kernel/signal.c).
 */
#include "case.h"

static bool started;

static void describe(const char *when)
{
	say("%s: should_stop=%d signal_pending=%d fatal=%d", when, kthread_should_stop(),
	    !!signal_pending(current), !!fatal_signal_pending(current));
}

static int watch_signals(void *unused)
{
	describe("before");
	WRITE_ONCE(started, true);
	while (!kthread_should_stop())
		msleep(1);
	describe("stopped");
	flush_signals(current);
	describe("flushed");
	say("dequeued=%d", kernel_dequeue_signal());
	describe("dequeued");
	say("an interruptible sleep ends at once=%d", schedule_timeout_interruptible(600 * HZ) > 0);
	say("and again=%d", schedule_timeout_interruptible(600 * HZ) > 0);
	return 0;
}

static int __init stop_signal_pending_init(void)
{
	struct task_struct *task = kthread_run(watch_signals, NULL, "watch_signals");

	soon(READ_ONCE(started));
	say("result=%d", kthread_stop(task));
	return 0;
}

static void __exit stop_signal_pending_exit(void)
{
}

module_init(stop_signal_pending_init);
module_exit(stop_signal_pending_exit);
