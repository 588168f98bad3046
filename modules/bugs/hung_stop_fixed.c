// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread does not look whether it should stop, and rmmod waits for it.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static DECLARE_COMPLETION(work);

static struct task_struct *thread;

static int run(void *unused)
{
	for (;;) {
		wait_for_completion_interruptible_timeout(&work, 200 * HZ);
		if (kthread_should_stop())
			return 0;
	}
}

static int __init hung_stop_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit hung_stop_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(hung_stop_init);
module_exit(hung_stop_exit);
