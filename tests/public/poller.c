// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread that polls with schedule_timeout(), set_current_state() before the test: the loop that
 * most first modules have.
 *
 * log: poller: polled 5 times
 * log: poller: early wake-up left 
 * log: poller: stopped after
 */
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

static struct task_struct *poller;
static struct task_struct *nudger;

static int poll_fn(void *unused)
{
	unsigned int polls = 0;
	long left;

	set_current_state(TASK_INTERRUPTIBLE);
	while (!kthread_should_stop()) {
		left = schedule_timeout(HZ / 5);
		if (left && !kthread_should_stop())
			printk(KERN_INFO "poller: early wake-up left %ld of %d\n", left, HZ / 5);
		if (++polls == 5)
			printk(KERN_INFO "poller: polled %u times\n", polls);
		set_current_state(TASK_INTERRUPTIBLE);
	}
	__set_current_state(TASK_RUNNING);
	printk(KERN_INFO "poller: stopped after %u polls\n", polls);
	return polls;
}

static int nudge_fn(void *unused)
{
	schedule_timeout_uninterruptible(2 * HZ + HZ / 10);
	wake_up_process(poller);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(MAX_SCHEDULE_TIMEOUT);
	return 0;
}

static int __init poller_init(void)
{
	poller = kthread_create(poll_fn, NULL, "poller");
	if (IS_ERR(poller))
		return PTR_ERR(poller);
	nudger = kthread_run(nudge_fn, NULL, "nudger");
	if (IS_ERR(nudger)) {
		kthread_stop(poller);
		return PTR_ERR(nudger);
	}
	wake_up_process(poller);
	return 0;
}

static void __exit poller_exit(void)
{
	kthread_stop(nudger);
	kthread_stop(poller);
}

module_init(poller_init);
module_exit(poller_exit);
MODULE_LICENSE("GPL");
