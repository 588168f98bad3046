// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread takes a mutex and goes to wait for something else; a second waits for the mutex.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_MUTEX(config_lock);
static DECLARE_COMPLETION(answer);

static int wait_for_stop(void)
{
	while (!kthread_should_stop())
		msleep_interruptible(100);
	return 0;
}

static struct task_struct *threads[2];

static int first(void *unused)
{
	mutex_lock(&config_lock);
	mutex_unlock(&config_lock);
	wait_for_completion_interruptible(&answer);
	return wait_for_stop();
}

static int second(void *unused)
{
	msleep(10);
	mutex_lock(&config_lock);
	mutex_unlock(&config_lock);
	return wait_for_stop();
}

static int __init hung_mutex_init(void)
{
	threads[0] = kthread_run(first, NULL, "first");
	threads[1] = kthread_run(second, NULL, "second");
	return 0;
}

static void __exit hung_mutex_exit(void)
{
	complete(&answer);
	kthread_stop(threads[1]);
	kthread_stop(threads[0]);
}

module_init(hung_mutex_init);
module_exit(hung_mutex_exit);
