// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread waits for its device under a spin lock that another thread wants.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_SPINLOCK(ring_lock);
static struct task_struct *filler, *reader;

static noinline void wait_for_device(void)
{
	unsigned long end = jiffies + 4 * HZ;

	while (time_before(jiffies, end))
		cpu_relax();
}

static int fill(void *unused)
{
	msleep(20);
	spin_lock(&ring_lock);
	wait_for_device();
	spin_unlock(&ring_lock);
	return 0;
}

static int read(void *unused)
{
	while (!kthread_should_stop()) {
		spin_lock(&ring_lock);
		spin_unlock(&ring_lock);
		msleep(20);
	}
	return 0;
}

static int __init soft_lockup_lock_init(void)
{
	filler = kthread_create(fill, NULL, "filler");
	if (IS_ERR(filler))
		return PTR_ERR(filler);
	reader = kthread_create(read, NULL, "reader");
	if (IS_ERR(reader)) {
		kthread_stop(filler);
		return PTR_ERR(reader);
	}
	get_task_struct(filler);
	kthread_bind(filler, 0);
	kthread_bind(reader, 1);
	wake_up_process(filler);
	wake_up_process(reader);
	return 0;
}

static void __exit soft_lockup_lock_exit(void)
{
	kthread_stop(reader);
	kthread_stop(filler);
	put_task_struct(filler);
}

module_init(soft_lockup_lock_init);
module_exit(soft_lockup_lock_exit);
