// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A work queues another one, for later. The exit function takes that back while the first may be
 * about to queue it.
 */
#include <linux/kthread.h>
#include <linux/module.h>

static struct kthread_worker *worker;
static struct kthread_work first;
static struct kthread_delayed_work second;

static void do_second(struct kthread_work *unused)
{
}

static void do_first(struct kthread_work *unused)
{
	kthread_queue_delayed_work(worker, &second, HZ);
}

static int __init work_queued_again_init(void)
{
	worker = kthread_create_worker(0, "worker");
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	kthread_init_work(&first, do_first);
	kthread_init_delayed_work(&second, do_second);
	kthread_queue_work(worker, &first);
	return 0;
}

static void __exit work_queued_again_exit(void)
{
	kthread_cancel_work_sync(&first);
	kthread_cancel_delayed_work_sync(&second);
	kthread_destroy_worker(worker);
}

module_init(work_queued_again_init);
module_exit(work_queued_again_exit);
MODULE_LICENSE("GPL");
