// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A kthread_worker with real-time priority, works on it, and one that queues itself again later:
 * how SPI and DRM drivers do it since Linux 4.9.
 *
 * log: works: 3 transfers done
 * log: works: watchdog 1
 * log: works: watchdog 2
 * log: works: last transfer done before the end
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>

struct transfer {
	struct kthread_work work;
	ktime_t queued;
	bool done;
};

static struct kthread_worker *worker;
static struct transfer transfers[3], last;
static struct kthread_delayed_work watchdog;
static unsigned int barks;

static void do_transfer(struct kthread_work *work)
{
	struct transfer *t = container_of(work, struct transfer, work);

	t->done = ktime_compare(ktime_get(), t->queued) >= 0;
}

static void queue_transfer(struct transfer *t)
{
	kthread_init_work(&t->work, do_transfer);
	t->queued = ktime_get();
	WARN_ON(!kthread_queue_work(worker, &t->work));
}

static void bark(struct kthread_work *work)
{
	struct kthread_delayed_work *dwork =
		container_of(work, struct kthread_delayed_work, work);

	pr_info("watchdog %u\n", ++barks);
	kthread_mod_delayed_work(worker, dwork, HZ);
}

static int __init works_init(void)
{
	int i, done = 0;

	worker = kthread_create_worker(0, "works/%d", 7);
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	sched_set_fifo(worker->task);
	for (i = 0; i < ARRAY_SIZE(transfers); i++)
		queue_transfer(&transfers[i]);
	kthread_flush_worker(worker);
	for (i = 0; i < ARRAY_SIZE(transfers); i++)
		done += transfers[i].done;
	pr_info("%d transfers done\n", done);

	kthread_init_delayed_work(&watchdog, bark);
	kthread_queue_delayed_work(worker, &watchdog, HZ);
	return 0;
}

static void __exit works_exit(void)
{
	kthread_cancel_delayed_work_sync(&watchdog);
	queue_transfer(&last);
	kthread_destroy_worker(worker);
	if (last.done)
		pr_info("last transfer done before the end\n");
}

module_init(works_init);
module_exit(works_exit);
MODULE_LICENSE("GPL");
