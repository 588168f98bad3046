// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * kthread_data of a process, which has none.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct task_struct *thread;

static int run(void *unused)
{
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init data_of_process_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	wake_up_process(thread);
	pr_info("%d\n", kthread_data(thread) != NULL);
	return 0;
}

static void __exit data_of_process_exit(void)
{
	kthread_stop(thread);
}

module_init(data_of_process_init);
module_exit(data_of_process_exit);
