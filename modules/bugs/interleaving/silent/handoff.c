// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Lock-free hand-offs that are right: the data is written before the flag is released, and read
 * after it was acquired. Nothing is to be reported.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/wait.h>

static struct task_struct *consumer;
static DECLARE_WAIT_QUEUE_HEAD(queue);
static int data, also;
static int ready, also_ready;

static int consume(void *unused)
{
	wait_event(queue, smp_load_acquire(&ready));
	WARN_ON(data != 42);
	wait_event(queue, READ_ONCE(also_ready));
	smp_rmb();
	WARN_ON(also != 7);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init handoff_init(void)
{
	consumer = kthread_run(consume, NULL, "consumer");
	if (IS_ERR(consumer))
		return PTR_ERR(consumer);
	data = 42;
	smp_store_release(&ready, 1);
	wake_up(&queue);
	also = 7;
	smp_wmb();
	WRITE_ONCE(also_ready, 1);
	wake_up(&queue);
	return 0;
}

static void __exit handoff_exit(void)
{
	kthread_stop(consumer);
}

module_init(handoff_init);
module_exit(handoff_exit);
MODULE_LICENSE("GPL");
