// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread is said to be one of a CPU, and is not bound to it.
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

static int __init per_cpu_unbound_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	kthread_set_per_cpu(thread, 0);
	wake_up_process(thread);
	return 0;
}

static void __exit per_cpu_unbound_exit(void)
{
	kthread_stop(thread);
}

module_init(per_cpu_unbound_init);
module_exit(per_cpu_unbound_exit);
