// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A spin lock is not freed on one way out, and the next to take it spins for ever.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_SPINLOCK(jobs_lock);
static int jobs;

static struct task_struct *thread;

static noinline int take_job(void)
{
	spin_lock(&jobs_lock);
	if (!jobs) {
		spin_unlock(&jobs_lock);
		return -EAGAIN;
	}
	jobs--;
	spin_unlock(&jobs_lock);
	return 0;
}

static int run(void *unused)
{
	return take_job();
}

static int __init spin_lock_forever_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit spin_lock_forever_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(spin_lock_forever_init);
module_exit(spin_lock_forever_exit);
