// SPDX-License-Identifier: GPL-2.0
/* NAME: a thread that counts until it is stopped. */
#include <linux/module.h>
#include <linux/kthread.h>
#include <linux/delay.h>
#include <linux/err.h>

static unsigned int period_ms = 500;
module_param(period_ms, uint, 0444);
MODULE_PARM_DESC(period_ms, "milliseconds between two counts");

static struct task_struct *task;

static int NAME_thread(void *data)
{
	int count = 0;

	while (!kthread_should_stop()) {
		pr_info("NAME: count %d\n", ++count);
		/* kthread_stop() ends this sleep early. */
		schedule_timeout_interruptible(msecs_to_jiffies(period_ms));
	}
	return count;
}

static int __init NAME_init(void)
{
	task = kthread_run(NAME_thread, NULL, "NAME");
	return PTR_ERR_OR_ZERO(task);
}

static void __exit NAME_exit(void)
{
	pr_info("NAME: counted to %d\n", kthread_stop(task));
}

module_init(NAME_init);
module_exit(NAME_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A thread that counts until it is stopped");
