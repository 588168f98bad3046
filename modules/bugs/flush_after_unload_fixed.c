// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread waits for a worker's works, which never end, when the module goes.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct kthread_worker *worker;
static struct task_struct *thread;
static DECLARE_COMPLETION(data_came);

static void wait_for_data(struct kthread_work *unused)
{
	wait_for_completion(&data_came);
}

static DEFINE_KTHREAD_WORK(reader, wait_for_data);

static int flush(void *unused)
{
	kthread_flush_worker(worker);
	return 0;
}

static int __init flush_after_unload_init(void)
{
	worker = kthread_create_worker(0, "reader");
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	kthread_queue_work(worker, &reader);
	thread = kthread_create(flush, NULL, "flusher");
	if (IS_ERR(thread)) {
		complete(&data_came);
		kthread_destroy_worker(worker);
		return PTR_ERR(thread);
	}
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit flush_after_unload_exit(void)
{
	complete(&data_came);
	kthread_stop(thread);
	put_task_struct(thread);
	kthread_destroy_worker(worker);
}

module_init(flush_after_unload_init);
module_exit(flush_after_unload_exit);
