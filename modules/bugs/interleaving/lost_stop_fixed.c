// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A cleaner that tests for stop, then prepares to sleep, then sleeps whatever has come meanwhile:
 * a stop between the test and the sleep is lost, and rmmod hangs.
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

static int __init lost_stop_init(void)
{
	cleaner = kthread_run(clean, NULL, "cleaner");
	return PTR_ERR_OR_ZERO(cleaner);
}

static void __exit lost_stop_exit(void)
{
	kthread_stop(cleaner);
}

module_init(lost_stop_init);
module_exit(lost_stop_exit);
MODULE_LICENSE("GPL");
