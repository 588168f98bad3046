// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread goes to sleep with interrupts off.
 */
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct task_struct *thread;

static int run(void *unused)
{
	unsigned long flags;

	local_irq_save(flags);
	schedule_timeout_uninterruptible(HZ / 10);
	local_irq_restore(flags);
	return 0;
}

static int __init schedule_irqs_off_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit schedule_irqs_off_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(schedule_irqs_off_init);
module_exit(schedule_irqs_off_exit);
