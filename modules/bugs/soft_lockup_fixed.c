// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread computes for seconds and never lets others have the CPU.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct task_struct *thread;

static noinline void compute(unsigned long end)
{
	while (time_before(jiffies, end))
		cond_resched();
}

static int run(void *unused)
{
	compute(jiffies + 6 * HZ);
	return 0;
}

static int __init soft_lockup_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit soft_lockup_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(soft_lockup_init);
module_exit(soft_lockup_exit);
