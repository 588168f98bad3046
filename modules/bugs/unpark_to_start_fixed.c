// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A new thread is unparked, which does not start it.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct task_struct *thread;

static int run(void *unused)
{
	while (!kthread_should_stop()) {
		if (kthread_should_park())
			kthread_parkme();
		msleep_interruptible(100);
	}
	return 0;
}

static int __init unpark_to_start_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit unpark_to_start_exit(void)
{
	kthread_stop(thread);
}

module_init(unpark_to_start_init);
module_exit(unpark_to_start_exit);
