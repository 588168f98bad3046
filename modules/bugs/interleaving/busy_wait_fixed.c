// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread takes back a word that was given to it before it ran, and then loops until it is given.
 */
#include <linux/kthread.h>
#include <linux/module.h>

static struct task_struct *thread;
static int go;

static int work(void *unused)
{
	while (!READ_ONCE(go))
		cpu_relax();
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init busy_wait_init(void)
{
	thread = kthread_run(work, NULL, "worker");
	WRITE_ONCE(go, 1);
	return PTR_ERR_OR_ZERO(thread);
}

static void __exit busy_wait_exit(void)
{
	kthread_stop(thread);
}

module_init(busy_wait_init);
module_exit(busy_wait_exit);
MODULE_LICENSE("GPL");
