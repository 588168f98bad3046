// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A consumer that looks for work before it says that it will sleep: a wake-up between the two
 * finds it awake, and is lost.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

static struct task_struct *consumer;
static atomic_t work = ATOMIC_INIT(0);

static int consume(void *unused)
{
	int seen = 0;

	while (seen < 2) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (atomic_read(&work) == seen)
			schedule();
		__set_current_state(TASK_RUNNING);
		seen = atomic_read(&work);
	}
	return 0;
}

static int __init lost_wakeup_init(void)
{
	consumer = kthread_run(consume, NULL, "consumer");
	if (IS_ERR(consumer))
		return PTR_ERR(consumer);
	get_task_struct(consumer);
	atomic_inc(&work);
	wake_up_process(consumer);
	atomic_inc(&work);
	wake_up_process(consumer);
	return 0;
}

static void __exit lost_wakeup_exit(void)
{
	kthread_stop(consumer);
	put_task_struct(consumer);
}

module_init(lost_wakeup_init);
module_exit(lost_wakeup_exit);
MODULE_LICENSE("GPL");
