// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread goes to sleep while it holds a spin lock.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_SPINLOCK(state_lock);

static struct task_struct *thread;

static int run(void *unused)
{
	spin_lock(&state_lock);
	spin_unlock(&state_lock);
	schedule_timeout_uninterruptible(HZ / 10);
	return 0;
}

static int __init schedule_in_atomic_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit schedule_in_atomic_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(schedule_in_atomic_init);
module_exit(schedule_in_atomic_exit);
