// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * One work is given to two workers.
 */
#include <linux/kthread.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct kthread_worker *workers[2];
static struct kthread_work work;

static void do_work(struct kthread_work *unused)
{
}

static int __init work_of_two_workers_init(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		workers[i] = kthread_create_worker(0, "worker%d", i);
		if (IS_ERR(workers[i]))
			return PTR_ERR(workers[i]);
	}
	kthread_init_work(&work, do_work);
	kthread_queue_work(workers[0], &work);
	kthread_flush_worker(workers[0]);
	kthread_queue_work(workers[1], &work);
	return 0;
}

static void __exit work_of_two_workers_exit(void)
{
	kthread_destroy_worker(workers[0]);
	kthread_destroy_worker(workers[1]);
}

module_init(work_of_two_workers_init);
module_exit(work_of_two_workers_exit);
