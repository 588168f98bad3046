// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A work queues itself anew whenever it runs, and its worker is destroyed.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct kthread_worker *worker;
static struct kthread_work work;

static void do_work(struct kthread_work *unused)
{
	msleep(1);
	kthread_queue_work(worker, &work);
}

static int __init work_goes_on_init(void)
{
	worker = kthread_create_worker(0, "worker");
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	kthread_init_work(&work, do_work);
	kthread_queue_work(worker, &work);
	return 0;
}

static void __exit work_goes_on_exit(void)
{
	kthread_destroy_worker(worker);
}

module_init(work_goes_on_init);
module_exit(work_goes_on_exit);
