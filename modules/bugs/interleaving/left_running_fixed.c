// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The exit function stops a thread only if that has said that it runs: it may be about to.
 */
#include <linux/kthread.h>
#include <linux/module.h>

static struct task_struct *thread;
static int runs;

static int work(void *unused)
{
	WRITE_ONCE(runs, 1);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init left_running_init(void)
{
	thread = kthread_run(work, NULL, "worker");
	return PTR_ERR_OR_ZERO(thread);
}

static void __exit left_running_exit(void)
{
	kthread_stop(thread);
}

module_init(left_running_init);
module_exit(left_running_exit);
MODULE_LICENSE("GPL");
