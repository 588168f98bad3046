// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Two threads take two mutexes, each in its own order.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_MUTEX(left);
static DEFINE_MUTEX(right);

static int wait_for_stop(void)
{
	while (!kthread_should_stop())
		msleep_interruptible(100);
	return 0;
}

static struct task_struct *threads[2];

static noinline int both(struct mutex *outer, struct mutex *inner)
{
	mutex_lock(outer);
	msleep(100);
	mutex_lock(inner);
	mutex_unlock(inner);
	mutex_unlock(outer);
	return wait_for_stop();
}

static int first(void *unused)
{
	return both(&left, &right);
}

static int second(void *unused)
{
	return both(&right, &left);
}

static int __init hung_deadlock_init(void)
{
	threads[0] = kthread_run(first, NULL, "first");
	threads[1] = kthread_run(second, NULL, "second");
	return 0;
}

static void __exit hung_deadlock_exit(void)
{
	kthread_stop(threads[1]);
	kthread_stop(threads[0]);
}

module_init(hung_deadlock_init);
module_exit(hung_deadlock_exit);
