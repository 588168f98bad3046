// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Two threads count in one plain variable.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/spinlock.h>

static struct task_struct *threads[2];
static int count;
static DEFINE_SPINLOCK(lock);

static int work(void *unused)
{
	spin_lock(&lock);
	count++;
	spin_unlock(&lock);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init race_init(void)
{
	threads[0] = kthread_run(work, NULL, "one");
	threads[1] = kthread_run(work, NULL, "two");
	return 0;
}

static void __exit race_exit(void)
{
	int i;

	for (i = 0; i < 2; i++)
		if (!IS_ERR(threads[i]))
			kthread_stop(threads[i]);
}

module_init(race_init);
module_exit(race_exit);
MODULE_LICENSE("GPL");
