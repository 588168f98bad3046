/*
 * kthread_stop of a worker's thread drains nothing: works that wait stay listed, and run when a thread serves
 * the worker again. kthread_destroy_worker runs them first.
 *
 * Covers: kthread_worker_fn, kthread_init_worker, kthread_destroy_worker (kernel/kthread.c); works queued
 * before a worker has a thread.
 */
#include "case.h"

static struct kthread_worker worker;
static DECLARE_COMPLETION(entered);
static DECLARE_COMPLETION(leave);
static atomic_t runs = ATOMIC_INIT(0);

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
static DEFINE_KTHREAD_WORK(first, count_fn);
static DEFINE_KTHREAD_WORK(second, count_fn);

static int stop_it(void *task)
{
	int result = kthread_stop(task);

	until_stopped(NULL);
	return result;
}

static void stop_while_held(void)
{
	struct task_struct *task, *stopper;

	kthread_queue_work(&worker, &hold);
	task = kthread_run(kthread_worker_fn, &worker, "worker_stop");
	wait_for_completion(&entered);
	kthread_queue_work(&worker, &first);
	kthread_queue_work(&worker, &second);
	stopper = kthread_run(stop_it, task, "stopper");
	sleeps_in(stopper, TASK_UNINTERRUPTIBLE);
	complete(&leave);
	sleeps_in(stopper, TASK_INTERRUPTIBLE);
	say("stopped: result=%d", kthread_stop(stopper));
	say("runs=%d listed=%d", atomic_read(&runs), !list_empty(&worker.work_list));
	say("still queued=%d", !kthread_queue_work(&worker, &first));
}

static int __init worker_stop_init(void)
{
	struct kthread_worker *created;
	struct task_struct *task;

	kthread_init_worker(&worker);
	say("before it has a thread: queued=%d", kthread_queue_work(&worker, &first));
	msleep(20);
	say("runs=%d", atomic_read(&runs));
	task = kthread_run(kthread_worker_fn, &worker, "worker_stop");
	kthread_flush_worker(&worker);
	say("with a thread: runs=%d", atomic_read(&runs));
	say("result=%d", kthread_stop(task));

	atomic_set(&runs, 0);
	stop_while_held();
	task = kthread_run(kthread_worker_fn, &worker, "worker_stop");
	kthread_flush_worker(&worker);
	say("served again: runs=%d listed=%d", atomic_read(&runs), !list_empty(&worker.work_list));
	kthread_stop(task);

	atomic_set(&runs, 0);
	kthread_init_work(&first, count_fn);
	kthread_init_work(&second, count_fn);
	created = kthread_create_worker(0, "worker_stop");
	kthread_queue_work(created, &first);
	kthread_queue_work(created, &second);
	kthread_destroy_worker(created);
	say("destroyed: runs=%d", atomic_read(&runs));
	return 0;
}

static void __exit worker_stop_exit(void)
{
}

module_init(worker_stop_init);
module_exit(worker_stop_exit);
