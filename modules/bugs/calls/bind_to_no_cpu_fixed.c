// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread is bound to a CPU that does not exist.
 */
#include <linux/kthread.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct task_struct *thread;

static int run(void *unused)
{
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init bind_to_no_cpu_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	kthread_bind(thread, 0);
	wake_up_process(thread);
	return 0;
}

static void __exit bind_to_no_cpu_exit(void)
{
	kthread_stop(thread);
}

module_init(bind_to_no_cpu_init);
module_exit(bind_to_no_cpu_exit);
