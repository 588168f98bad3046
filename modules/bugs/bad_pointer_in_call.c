// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A function of the kernel gets a pointer to nothing.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static DECLARE_COMPLETION(done);
static struct completion *volatile to_complete;

static struct task_struct *thread;

static int run(void *unused)
{
	complete(to_complete);
	return 0;
}

static int __init bad_pointer_in_call_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit bad_pointer_in_call_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(bad_pointer_in_call_init);
module_exit(bad_pointer_in_call_exit);
