// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A work is queued that was never initialised.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct kthread_worker *worker;
static struct kthread_work work;

static void __maybe_unused greet(struct kthread_work *work)
{
	pr_info("hello\n");
}

static int __init work_unset_init(void)
{
	worker = kthread_create_worker(0, "greeter");
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	kthread_init_work(&work, greet);
	kthread_queue_work(worker, &work);
	return 0;
}

static void __exit work_unset_exit(void)
{
	kthread_destroy_worker(worker);
}

module_init(work_unset_init);
module_exit(work_unset_exit);
