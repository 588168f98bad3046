// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A wait queue head is initialised again while a thread waits in it.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/wait.h>

MODULE_LICENSE("Dual MIT/GPL");

static DECLARE_WAIT_QUEUE_HEAD(queue);
static struct task_struct *waiter;
static int ready;

static int wait_for_it(void *data)
{
	wait_event_timeout(queue, READ_ONCE(ready), HZ);
	while (!kthread_should_stop())
		msleep_interruptible(1000);
	return 0;
}

static int __init waitqueue_reinit_init(void)
{
	waiter = kthread_run(wait_for_it, NULL, "waiter");
	if (IS_ERR(waiter))
		return PTR_ERR(waiter);
	msleep(100);
	init_waitqueue_head(&queue);
	WRITE_ONCE(ready, 1);
	wake_up(&queue);
	return 0;
}

static void __exit waitqueue_reinit_exit(void)
{
	kthread_stop(waiter);
}

module_init(waitqueue_reinit_init);
module_exit(waitqueue_reinit_exit);
