/*
 * kthread_flush_work of a delayed work whose timer still runs never returns: its barrier is put on the list
 * of delayed works, where nobody runs it, not even when the work itself has run.
 *
 * Covers: kthread_flush_work (kernel/kthread.c:kthread_flush_work, kthread_delayed_work_timer_fn). The thread
 * that flushes can never end, so the module has no exit function and is not unloaded.
 *
 * script:
 *   insmod worker_flush_delayed.ko
 *   echo "case: $(grep State /proc/$(pgrep -x flushes)/status)"
 */
#include "case.h"

static struct kthread_worker *worker;
static bool ran, flushed;

static void note_run(struct kthread_work *work)
{
	WRITE_ONCE(ran, true);
}

static DEFINE_KTHREAD_DELAYED_WORK(delayed, note_run);

static int flush_it(void *unused)
{
	kthread_flush_work(&delayed.work);
	WRITE_ONCE(flushed, true);
	return 0;
}

static int __init worker_flush_delayed_init(void)
{
	struct task_struct *task;

	worker = kthread_create_worker(0, "flushed_worker");
	kthread_queue_delayed_work(worker, &delayed, HZ);
	task = kthread_run(flush_it, NULL, "flushes");
	say("waits=%d", sleeps_in(task, TASK_UNINTERRUPTIBLE));
	say("ran=%d", soon(READ_ONCE(ran)));
	msleep(300);
	say("flushed=%d", READ_ONCE(flushed));
	return 0;
}

module_init(worker_flush_delayed_init);
