// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread waits for an answer that nobody gives.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static DECLARE_COMPLETION(answer);

static struct task_struct *thread;

static int run(void *unused)
{
	complete(&answer);
	wait_for_completion(&answer);
	return 0;
}

static int __init hung_completion_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit hung_completion_exit(void)
{
	complete(&answer);
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(hung_completion_init);
module_exit(hung_completion_exit);
