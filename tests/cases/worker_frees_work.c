/*
 * A work is taken off the worker before its function runs: the function may free it.
 *
 * Covers: kthread_queue_work, kthread_flush_worker (kernel/kthread.c:kthread_worker_fn).
 */
#include "case.h"
#include <linux/slab.h>

struct parcel {
	struct kthread_work work;
	int number;
};

static int delivered;

static void deliver(struct kthread_work *work)
{
	struct parcel *parcel = container_of(work, struct parcel, work);

	delivered = delivered * 10 + parcel->number;
	kfree(parcel);
}

static int __init worker_frees_work_init(void)
{
	struct kthread_worker *worker = kthread_create_worker(0, "frees_work");
	struct parcel *parcel;
	int i;

	for (i = 1; i <= 5; i++) {
		parcel = kzalloc(sizeof(*parcel), GFP_KERNEL);
		if (!parcel)
			break;
		parcel->number = i;
		kthread_init_work(&parcel->work, deliver);
		kthread_queue_work(worker, &parcel->work);
	}
	kthread_flush_worker(worker);
	say("delivered=%d", delivered);
	kthread_destroy_worker(worker);
	return 0;
}

static void __exit worker_frees_work_exit(void)
{
}

module_init(worker_frees_work_init);
module_exit(worker_frees_work_exit);
