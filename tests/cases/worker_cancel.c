/*
 * kthread_cancel_work_sync takes a waiting work off (true), waits for a running one (false), and while it
 * waits nobody can queue that work.
 *
 * Covers: kthread_cancel_work_sync, kthread_flush_work (kernel/kthread.c:__kthread_cancel_work_sync,
 * queuing_blocked).
 */
#include "case.h"

static struct kthread_worker *worker;
static DECLARE_COMPLETION(entered);
static DECLARE_COMPLETION(leave);
static atomic_t runs = ATOMIC_INIT(0);
static bool returned;

static void hold_fn(struct kthread_work *work)
{
	complete(&entered);
	wait_for_completion(&leave);
	atomic_inc(&runs);
}

static void count_fn(struct kthread_work *work)
{
	atomic_inc(&runs);
}

static DEFINE_KTHREAD_WORK(hold, hold_fn);
static DEFINE_KTHREAD_WORK(waiting, count_fn);

static int cancel_hold(void *unused)
{
	int was_pending = kthread_cancel_work_sync(&hold);

	WRITE_ONCE(returned, true);
	until_stopped(NULL);
	return was_pending;
}

static int flush_hold(void *unused)
{
	kthread_flush_work(&hold);
	WRITE_ONCE(returned, true);
	return until_stopped(NULL);
}

static struct task_struct *hold_while(int (*fn)(void *))
{
	struct task_struct *task;

	returned = false;
	kthread_queue_work(worker, &hold);
	wait_for_completion(&entered);
	task = kthread_run(fn, NULL, "hold_while");
	sleeps_in(task, TASK_UNINTERRUPTIBLE);
	say("returned while it ran=%d", READ_ONCE(returned));
	return task;
}

static int __init worker_cancel_init(void)
{
	struct task_struct *task;

	worker = kthread_create_worker(0, "worker_cancel");
	say("cancel of one never queued=%d", kthread_cancel_work_sync(&waiting));
	task = hold_while(cancel_hold);
	say("queue while cancelled=%d", kthread_queue_work(worker, &hold));
	say("another=%d", kthread_queue_work(worker, &waiting));
	say("cancel it=%d", kthread_cancel_work_sync(&waiting));
	say("cancel again=%d", kthread_cancel_work_sync(&waiting));
	complete(&leave);
	say("returned=%d", soon(READ_ONCE(returned)));
	say("was pending=%d", kthread_stop(task));
	say("runs=%d", atomic_read(&runs));
	task = hold_while(flush_hold);
	complete(&leave);
	say("flushed=%d", soon(READ_ONCE(returned)));
	kthread_stop(task);
	say("runs=%d", atomic_read(&runs));
	kthread_destroy_worker(worker);
	return 0;
}

static void __exit worker_cancel_exit(void)
{
}

module_init(worker_cancel_init);
module_exit(worker_cancel_exit);
