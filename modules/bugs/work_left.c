// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A work is in line on a worker of a module that is unloaded without stopping it.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct kthread_worker *worker;
static struct kthread_work slow, second;

static void sleep_long(struct kthread_work *work)
{
	schedule_timeout_uninterruptible(HZ);
}

static void finish(struct kthread_work *work)
{
	pr_info("finished\n");
}

static int __init work_left_init(void)
{
	worker = kthread_create_worker(0, "left_worker");
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	kthread_init_work(&slow, sleep_long);
	kthread_init_work(&second, finish);
	return 0;
}

static void __exit work_left_exit(void)
{
	kthread_queue_work(worker, &second);
}

module_init(work_left_init);
module_exit(work_left_exit);
