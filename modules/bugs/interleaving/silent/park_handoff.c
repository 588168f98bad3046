// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * While a thread is parked its data belongs to whoever parked it. Nothing is to be reported.
 */
#include <linux/kthread.h>
#include <linux/module.h>

static struct task_struct *worker;
static int data;

static int work(void *unused)
{
	while (!kthread_should_stop()) {
		if (kthread_should_park()) {
			kthread_parkme();
			continue;
		}
		data++;
		schedule_timeout_interruptible(1);
	}
	return 0;
}

static int __init park_handoff_init(void)
{
	worker = kthread_run(work, NULL, "worker");
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	kthread_park(worker);
	data = 100;
	kthread_unpark(worker);
	return 0;
}

static void __exit park_handoff_exit(void)
{
	kthread_stop(worker);
	WARN_ON(data < 100);
}

module_init(park_handoff_init);
module_exit(park_handoff_exit);
MODULE_LICENSE("GPL");
