// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A reference to a thread is given back twice.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct task_struct *thread;

static int run(void *unused)
{
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init put_twice_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	put_task_struct(thread);
	return 0;
}

static void __exit put_twice_exit(void)
{
	kthread_stop(thread);
}

module_init(put_twice_init);
module_exit(put_twice_exit);
