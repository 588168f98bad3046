/*
 * A work that one worker had and another gets without a new initialisation is reported once, and still runs.
 *
 * Covers: kthread_queue_work (kernel/kthread.c:kthread_insert_work_sanity_check).
 */
#include "case.h"

static atomic_t runs = ATOMIC_INIT(0);

static void count_fn(struct kthread_work *work)
{
	atomic_inc(&runs);
}

static DEFINE_KTHREAD_WORK(work, count_fn);

static void run_on(struct kthread_worker *worker, const char *name)
{
	say("%s: queued=%d", name, kthread_queue_work(worker, &work));
	kthread_flush_worker(worker);
	say("%s: runs=%d", name, atomic_read(&runs));
}

static int __init worker_two_workers_init(void)
{
	struct kthread_worker *one = kthread_create_worker(0, "worker_one");
	struct kthread_worker *two = kthread_create_worker_on_cpu(0, 0, "worker_two");

	run_on(one, "one");
	run_on(two, "two");
	run_on(one, "one again");
	kthread_init_work(&work, count_fn);
	run_on(two, "two after init");
	kthread_destroy_worker(one);
	kthread_destroy_worker(two);
	return 0;
}

static void __exit worker_two_workers_exit(void)
{
}

module_init(worker_two_workers_init);
module_exit(worker_two_workers_exit);
