// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A function takes the mutex that its caller holds.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_MUTEX(state_lock);
static struct task_struct *thread;
static int state;

static noinline int get_state(void)
{
	int now;

	/* Interruptible, so that rmmod can end it. */
	if (mutex_lock_interruptible(&state_lock))
		return -EINTR;
	now = state;
	mutex_unlock(&state_lock);
	return now;
}

static int run(void *unused)
{
	int now;

	mutex_lock(&state_lock);
	state++;
	mutex_unlock(&state_lock);
	now = get_state();
	pr_debug("state %d\n", now);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init lock_twice_init(void)
{
	thread = kthread_run(run, NULL, "runner");
	return PTR_ERR_OR_ZERO(thread);
}

static void __exit lock_twice_exit(void)
{
	kthread_stop(thread);
}

module_init(lock_twice_init);
module_exit(lock_twice_exit);
