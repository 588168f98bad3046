// SPDX-License-Identifier: MIT OR Apache-2.0
/* A worker whose works queue each other, and one that comes again and again by its timer. */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

struct job {
	struct kthread_work work;
	char *text;
};

static struct kthread_worker *worker;
static struct kthread_delayed_work repeated;
static struct kthread_work plain;
static unsigned int done;	/* only works touch it */

static void once(struct kthread_work *work)
{
	struct job *job = container_of(work, struct job, work);

	done++;
	kfree(job->text);
	kfree(job);
}

static void queue_job(void)
{
	struct job *job = kzalloc(sizeof(*job), GFP_KERNEL);

	if (!job)
		return;
	job->text = kasprintf(GFP_KERNEL, "job %u", done);
	kthread_init_work(&job->work, once);
	kthread_queue_work(worker, &job->work);
}

static void count(struct kthread_work *work)
{
	done++;
}

static void again(struct kthread_work *work)
{
	queue_job();
	kthread_queue_work(worker, &plain);
	kthread_queue_delayed_work(worker, &repeated, done % 3);
}

static int __init soak_worker_init(void)
{
	worker = kthread_create_worker(0, "soak_worker");
	if (IS_ERR(worker))
		return -EAGAIN;
	kthread_init_work(&plain, count);
	kthread_init_delayed_work(&repeated, again);
	kthread_queue_delayed_work(worker, &repeated, 1);
	kthread_queue_work(worker, &plain);
	kthread_flush_work(&plain);
	kthread_mod_delayed_work(worker, &repeated, 0);
	return 0;
}

static void __exit soak_worker_exit(void)
{
	kthread_cancel_work_sync(&plain);
	kthread_cancel_delayed_work_sync(&repeated);
	kthread_flush_worker(worker);
	kthread_destroy_worker(worker);
}

module_init(soak_worker_init);
module_exit(soak_worker_exit);
