// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The repaired twin of lost_stop.c: it says that it will sleep before it tests for stop, so a stop
 * that comes later makes it run again.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

static struct task_struct *cleaner;

static int clean(void *unused)
{
	for (;;) {
		set_current_state(TASK_IDLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static int __init kept_stop_init(void)
{
	cleaner = kthread_run(clean, NULL, "cleaner");
	return PTR_ERR_OR_ZERO(cleaner);
}

static void __exit kept_stop_exit(void)
{
	kthread_stop(cleaner);
}

module_init(kept_stop_init);
module_exit(kept_stop_exit);
MODULE_LICENSE("GPL");
