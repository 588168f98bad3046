// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A delayed work in memory of its own is due when its module has gone.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct kthread_worker *worker;
static struct kthread_delayed_work *refresh;

static void do_refresh(struct kthread_work *unused)
{
	pr_info("refreshed\n");
}

static int __init work_after_unload_init(void)
{
	worker = kthread_create_worker(0, "refresher");
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	refresh = kzalloc(sizeof(*refresh), GFP_KERNEL);
	if (!refresh) {
		kthread_destroy_worker(worker);
		return -ENOMEM;
	}
	kthread_init_delayed_work(refresh, do_refresh);
	kthread_queue_delayed_work(worker, refresh, 2 * HZ);
	return 0;
}

static void __exit work_after_unload_exit(void)
{
}

module_init(work_after_unload_init);
module_exit(work_after_unload_exit);
