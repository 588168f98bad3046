// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A mutex is freed by a thread that does not hold it.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_MUTEX(ready_lock);
static struct task_struct *thread;

static int run(void *unused)
{
	mutex_lock(&ready_lock);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	mutex_unlock(&ready_lock);
	return 0;
}

static int __init unlock_by_stranger_init(void)
{
	thread = kthread_run(run, NULL, "runner");
	return PTR_ERR_OR_ZERO(thread);
}

static void __exit unlock_by_stranger_exit(void)
{
	mutex_unlock(&ready_lock);
	kthread_stop(thread);
}

module_init(unlock_by_stranger_init);
module_exit(unlock_by_stranger_exit);
