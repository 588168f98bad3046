// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Memory is freed while a thread waits in a wait queue in it.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/wait.h>

MODULE_LICENSE("Dual MIT/GPL");

struct channel {
	wait_queue_head_t readers;
	int is_ready;
};

static struct channel *channel;
static struct task_struct *reader;

static int read_channel(void *unused)
{
	while (!kthread_should_stop())
		wait_event_timeout(channel->readers, READ_ONCE(channel->is_ready), HZ);
	return 0;
}

static int __init free_waitqueue_init(void)
{
	channel = kzalloc(sizeof(*channel), GFP_KERNEL);
	if (!channel)
		return -ENOMEM;
	init_waitqueue_head(&channel->readers);
	reader = kthread_run(read_channel, NULL, "reader");
	if (IS_ERR(reader)) {
		kfree(channel);
		return PTR_ERR(reader);
	}
	return 0;
}

static void __exit free_waitqueue_exit(void)
{
	kthread_stop(reader);
	kfree(channel);
}

module_init(free_waitqueue_init);
module_exit(free_waitqueue_exit);
