// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread is bound to a CPU when it runs already.
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

static int __init bind_too_late_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	wake_up_process(thread);
	kthread_bind(thread, 0);
	return 0;
}

static void __exit bind_too_late_exit(void)
{
	kthread_stop(thread);
}

module_init(bind_too_late_init);
module_exit(bind_too_late_exit);
