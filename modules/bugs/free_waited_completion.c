// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Memory is freed while a thread waits for a completion in it.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

struct request {
	int number;
	struct completion done;
};

static struct task_struct *waiter;

static int wait_for_it(void *data)
{
	struct request *request = data;

	wait_for_completion_timeout(&request->done, HZ);
	while (!kthread_should_stop())
		msleep_interruptible(1000);
	return 0;
}

static int __init free_waited_completion_init(void)
{
	struct request *request = kzalloc(sizeof(*request), GFP_KERNEL);

	if (!request)
		return -ENOMEM;
	init_completion(&request->done);
	waiter = kthread_run(wait_for_it, request, "waiter");
	if (IS_ERR(waiter))
		return PTR_ERR(waiter);
	msleep(100);
	kfree(request);
	return 0;
}

static void __exit free_waited_completion_exit(void)
{
	kthread_stop(waiter);
}

module_init(free_waited_completion_init);
module_exit(free_waited_completion_exit);
