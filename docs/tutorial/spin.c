// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * WRONG ON PURPOSE: the handler waits for a condition and does not make it false again, so as long
 * as it holds, wait_event_interruptible() does not sleep.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/wait.h>

MODULE_LICENSE("Dual MIT/GPL");

static DECLARE_WAIT_QUEUE_HEAD(ready);
static unsigned int count;
static struct task_struct *receiver, *handler;

static int receive(void *unused)
{
	while (!kthread_should_stop()) {
		pr_info("spin: the receiver counts %u\n", ++count);
		if (count == 10)
			wake_up_interruptible(&ready);
		msleep_interruptible(1000);
	}
	return 0;
}

static int handle(void *unused)
{
	int rounds = 0;

	while (!kthread_should_stop()) {
		wait_event_interruptible(ready, READ_ONCE(count) == 10);
		rounds++;
		if (rounds == 1 || rounds == 10000)
			pr_info("spin: the handler goes round, %d\n", rounds);
		/* What is missing here: count = 0; */
	}
	return rounds;
}

static int __init spin_init(void)
{
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

static void __exit spin_exit(void)
{
	kthread_stop(receiver);
	pr_info("spin: more than 10000 rounds: %s\n", kthread_stop(handler) > 10000 ? "yes" : "no");
}

module_init(spin_init);
module_exit(spin_exit);
