// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A delayed work waits for its timer when the module is unloaded.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct kthread_worker *worker;
static struct kthread_delayed_work report;

static void print_report(struct kthread_work *work)
{
	pr_info("all is well\n");
}

static int __init delayed_work_left_init(void)
{
	worker = kthread_create_worker(0, "reporter");
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	kthread_init_delayed_work(&report, print_report);
	kthread_queue_delayed_work(worker, &report, 100 * HZ);
	return 0;
}

static void __exit delayed_work_left_exit(void)
{
	kthread_cancel_delayed_work_sync(&report);
	kthread_destroy_worker(worker);
}

module_init(delayed_work_left_init);
module_exit(delayed_work_left_exit);
