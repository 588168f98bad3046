// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Several threads wait for one complete_all, and one thread ends by itself while a reference to it
 * is held. Nothing is to be reported.
 */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

static struct task_struct *waiters[2];
static struct task_struct *opener;
static DECLARE_COMPLETION(open);
static int data;

static int waits(void *unused)
{
	wait_for_completion(&open);
	WARN_ON(data != 1);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int opens(void *unused)
{
	data = 1;
	complete_all(&open);
	return 3;
}

static int __init complete_all_init(void)
{
	waiters[0] = kthread_run(waits, NULL, "waiter0");
	waiters[1] = kthread_run(waits, NULL, "waiter1");
	opener = kthread_create(opens, NULL, "opener");
	if (!IS_ERR(opener)) {
		get_task_struct(opener);
		wake_up_process(opener);
	}
	return 0;
}

static void __exit complete_all_exit(void)
{
	int i;

	if (!IS_ERR(opener)) {
		wait_for_completion(&open);
		WARN_ON(kthread_stop(opener) != 3);
		put_task_struct(opener);
	}
	for (i = 0; i < 2; i++)
		if (!IS_ERR(waiters[i]))
			kthread_stop(waiters[i]);
}

module_init(complete_all_init);
module_exit(complete_all_exit);
MODULE_LICENSE("GPL");
