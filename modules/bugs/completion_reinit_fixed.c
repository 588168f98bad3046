// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A completion is initialised again while a thread waits for it.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct completion done;
static struct task_struct *waiter;

static int wait_for_it(void *data)
{
	wait_for_completion_timeout(&done, 3 * HZ);
	while (!kthread_should_stop())
		msleep_interruptible(1000);
	return 0;
}

static int __init completion_reinit_init(void)
{
	init_completion(&done);
	waiter = kthread_run(wait_for_it, NULL, "waiter");
	if (IS_ERR(waiter))
		return PTR_ERR(waiter);
	msleep(100);
	complete(&done);
	return 0;
}

static void __exit completion_reinit_exit(void)
{
	kthread_stop(waiter);
}

module_init(completion_reinit_init);
module_exit(completion_reinit_exit);
