// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A worker: one thread that runs the works of a list, one after the other, and some of them later.
 *
 * What makes it right:
 *  - A work is part of what it works on, so the function finds its data without a lookup.
 *  - A work that is queued stays once in the list however often it is queued again; while its
 *    function runs it may be queued anew. The result of kthread_queue_work() tells which it was.
 *  - The report is a delayed work that queues itself. Only kthread_cancel_delayed_work_sync() ends
 *    it: it waits for a running one and refuses the queueing that comes from inside it.
 *  - kthread_destroy_worker() runs what is queued, then ends the thread. kthread_stop() on a
 *    worker's thread would leave the rest of the list undone.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("works on a kthread_worker");

static unsigned int report_ms = 2000;
module_param(report_ms, uint, 0444);
MODULE_PARM_DESC(report_ms, "time between two reports");

struct job {
	struct kthread_work work;
	unsigned int number;
	unsigned int takes_ms;
};

static struct job jobs[] = {
	{ .number = 1, .takes_ms = 300 },
	{ .number = 2, .takes_ms = 200 },
	{ .number = 3, .takes_ms = 100 },
};

static struct kthread_worker *worker;
static struct kthread_delayed_work report_work;

/* Only works touch it, and one worker runs them one by one: no lock. */
static unsigned int jobs_done;

static void do_job(struct kthread_work *work)
{
	struct job *job = container_of(work, struct job, work);

	msleep(job->takes_ms);
	jobs_done++;
	pr_info("job %u done\n", job->number);
}

static void report(struct kthread_work *work)
{
	pr_info("%u jobs done so far\n", jobs_done);
	kthread_queue_delayed_work(worker, &report_work, msecs_to_jiffies(report_ms));
}

static void queue_jobs(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		kthread_queue_work(worker, &jobs[i].work);
}

static int __init worker_init(void)
{
	unsigned int i;

	worker = kthread_create_worker(0, "jobs");
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		kthread_init_work(&jobs[i].work, do_job);
	kthread_init_delayed_work(&report_work, report);

	queue_jobs();
	pr_info("the last job again: %s\n",
		kthread_queue_work(worker, &jobs[2].work) ? "queued" : "is queued already");
	kthread_flush_worker(worker);
	pr_info("all jobs are done\n");

	kthread_queue_delayed_work(worker, &report_work, msecs_to_jiffies(report_ms));
	return 0;
}

static void __exit worker_exit(void)
{
	kthread_cancel_delayed_work_sync(&report_work);
	/* These are run before the worker's thread ends. */
	queue_jobs();
	kthread_destroy_worker(worker);
	pr_info("%u jobs done in all\n", jobs_done);
}

module_init(worker_init);
module_exit(worker_exit);
