// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread ends with preemption off.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct task_struct *thread;

static int run(void *unused)
{
	preempt_disable();
	pr_info("CPU %d\n", smp_processor_id());
	return 0;
}

static int __init preempt_left_off_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit preempt_left_off_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(preempt_left_off_init);
module_exit(preempt_left_off_exit);
