// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Two threads take two mutexes in opposite orders.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>

static struct task_struct *threads[2];
static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

static int forwards(void *unused)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int backwards(void *unused)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init deadlock_init(void)
{
	threads[0] = kthread_run(forwards, NULL, "forwards");
	threads[1] = kthread_run(backwards, NULL, "backwards");
	return 0;
}

static void __exit deadlock_exit(void)
{
	int i;

	for (i = 0; i < 2; i++)
		if (!IS_ERR(threads[i]))
			kthread_stop(threads[i]);
}

module_init(deadlock_init);
module_exit(deadlock_exit);
MODULE_LICENSE("GPL");
