// SPDX-License-Identifier: MIT OR Apache-2.0
/* An init function that makes a thread, takes it back, and fails. */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

static int sleep_long(void *data)
{
	set_current_state(TASK_INTERRUPTIBLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_INTERRUPTIBLE);
	}
	__set_current_state(TASK_RUNNING);
	kfree(data);
	return 0;
}

static int __init soak_fails_init(void)
{
	void *data = kmalloc(100, GFP_KERNEL);
	struct task_struct *thread = kthread_create(sleep_long, data, "soak_fails");

	if (IS_ERR(thread)) {
		kfree(data);
		return -EAGAIN;
	}
	/* It may be stopped before it ran: then nobody frees its data. */
	if (kthread_stop(thread) == -EINTR)
		kfree(data);
	return -ENODEV;
}

static void __exit soak_fails_exit(void)
{
}

module_init(soak_fails_init);
module_exit(soak_fails_exit);
