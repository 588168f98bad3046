// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Memory is freed while a thread waits for a completion in it.
 */
#include <linux/completion.h>
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

static struct request *request;
static struct task_struct *waiter;

static int wait_for_it(void *unused)
{
	while (!kthread_should_stop())
		wait_for_completion_timeout(&request->done, HZ);
	return 0;
}

static int __init free_waited_completion_init(void)
{
	request = kzalloc(sizeof(*request), GFP_KERNEL);
	if (!request)
		return -ENOMEM;
	init_completion(&request->done);
	waiter = kthread_run(wait_for_it, NULL, "waiter");
	if (IS_ERR(waiter)) {
		kfree(request);
		return PTR_ERR(waiter);
	}
	return 0;
}

static void __exit free_waited_completion_exit(void)
{
	kfree(request);
	kthread_stop(waiter);
}

module_init(free_waited_completion_init);
module_exit(free_waited_completion_exit);
