// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Right: one function does all works; each is waited for under a lock that only the
 * others take, and one of them waits for another.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct kthread_worker *upper, *lower;
static DEFINE_MUTEX(upper_lock);
static DEFINE_MUTEX(lower_lock);

struct job {
	struct kthread_work work;
	struct mutex *lock;
	struct job *part;
};

static struct job whole, part;

static void do_job(struct kthread_work *work)
{
	struct job *job = container_of(work, struct job, work);

	mutex_lock(job->lock);
	mutex_unlock(job->lock);
	if (job->part) {
		kthread_queue_work(lower, &job->part->work);
		kthread_flush_work(&job->part->work);
	}
}

static int __init works_of_one_function_init(void)
{
	upper = kthread_create_worker(0, "upper");
	lower = kthread_create_worker(0, "lower");
	if (IS_ERR(upper) || IS_ERR(lower))
		return -ENOMEM;
	whole.lock = &upper_lock;
	whole.part = &part;
	part.lock = &lower_lock;
	kthread_init_work(&whole.work, do_job);
	kthread_init_work(&part.work, do_job);
	kthread_queue_work(upper, &whole.work);
	kthread_flush_work(&whole.work);
	mutex_lock(&upper_lock);
	kthread_queue_work(lower, &part.work);
	kthread_flush_work(&part.work);
	kthread_cancel_work_sync(&part.work);
	mutex_unlock(&upper_lock);
	return 0;
}

static void __exit works_of_one_function_exit(void)
{
	kthread_destroy_worker(upper);
	kthread_destroy_worker(lower);
}

module_init(works_of_one_function_init);
module_exit(works_of_one_function_exit);
