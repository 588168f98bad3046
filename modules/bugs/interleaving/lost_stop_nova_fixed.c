// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A cleaner that tests for stop, then prepares to sleep, then sleeps whatever has come meanwhile:
 * a stop between the test and the sleep is lost. Since Linux 6.0 kthread_stop also ends interruptible
 * sleeps, so this one hangs on older kernels only.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

static struct task_struct *cleaner;

static int clean(void *unused)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static int __init nova_stop_init(void)
{
	cleaner = kthread_run(clean, NULL, "cleaner");
	return PTR_ERR_OR_ZERO(cleaner);
}

static void __exit nova_stop_exit(void)
{
	kthread_stop(cleaner);
}

module_init(nova_stop_init);
module_exit(nova_stop_exit);
MODULE_LICENSE("GPL");
