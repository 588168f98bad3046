// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Two threads and a completion: the receiver collects frames and completes once per full batch, the
 * handler waits for each.
 *
 * What makes it right:
 *  - A completion counts. Two complete() calls let two waits pass, even if both came before the
 *    first wait: a slow handler is late, but it misses no batch. A wait queue has no such memory.
 *  - The wait is the interruptible one. kthread_stop() wakes a thread in wait_for_completion() too,
 *    but that one looks, finds nothing and sleeps on, so rmmod would hang until the next batch;
 *    meanwhile the thread would count as load (state D).
 *  - Each wait stands for exactly one batch, so the handler may subtract without a lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("hand-off between two kernel threads by completion");

static unsigned int batch = 10;
module_param(batch, uint, 0444);
MODULE_PARM_DESC(batch, "how many frames make a batch");

static unsigned int interval_ms = 1000;
module_param(interval_ms, uint, 0444);
MODULE_PARM_DESC(interval_ms, "time between two frames");

static DECLARE_COMPLETION(batch_ready);
static atomic_t frames = ATOMIC_INIT(0);

static struct task_struct *receiver, *handler;

/* Returns how many frames it received. */
static int receive(void *unused)
{
	unsigned int received = 0;

	while (!kthread_should_stop()) {
		received++;
		atomic_inc(&frames);
		if (received % batch == 0)
			complete(&batch_ready);
		/* kthread_stop() ends this sleep early. */
		msleep_interruptible(interval_ms);
	}
	return received;
}

/* Returns how many batches it handled. */
static int handle(void *unused)
{
	int batches = 0;

	/* No signal is allowed here, so an error means that kthread_stop() was called. Ending for any
	 * other reason would be wrong: kthread_stop() would find a task_struct that is gone. */
	while (!wait_for_completion_interruptible(&batch_ready)) {
		batches++;
		pr_info("handler: batch %d, %d frames left\n", batches,
			atomic_sub_return(batch, &frames));
	}
	return batches;
}

static int __init handoff_completion_init(void)
{
	if (!batch)
		return -EINVAL;

	handler = kthread_run(handle, NULL, "handler");
	if (IS_ERR(handler))
		return PTR_ERR(handler);

	receiver = kthread_run(receive, NULL, "receiver");
	if (IS_ERR(receiver)) {
		kthread_stop(handler);
		return PTR_ERR(receiver);
	}
	return 0;
}

static void __exit handoff_completion_exit(void)
{
	int received = kthread_stop(receiver);
	int batches = kthread_stop(handler);

	pr_info("received %d, handled %d batches, %d frames left over\n", received, batches,
		atomic_read(&frames));
}

module_init(handoff_completion_init);
module_exit(handoff_completion_exit);
