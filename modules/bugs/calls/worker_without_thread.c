// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A worker is destroyed for which no thread was ever made.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct kthread_worker *worker;

static int __init worker_without_thread_init(void)
{
	worker = kzalloc(sizeof(*worker), GFP_KERNEL);
	if (!worker)
		return -ENOMEM;
	kthread_init_worker(worker);
	kthread_destroy_worker(worker);
	kfree(worker);
	return 0;
}

static void __exit worker_without_thread_exit(void)
{
}

module_init(worker_without_thread_init);
module_exit(worker_without_thread_exit);
