// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Two threads look whether there is a token, and then take it: there is one.
 */
#include <linux/atomic.h>
#include <linux/kthread.h>
#include <linux/module.h>

static struct task_struct *threads[2];
static atomic_t tokens = ATOMIC_INIT(1);

static int take(void *unused)
{
	atomic_add_unless(&tokens, -1, 0);
	WARN_ON(atomic_read(&tokens) < 0);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init warn_on_tokens_init(void)
{
	threads[0] = kthread_run(take, NULL, "one");
	threads[1] = kthread_run(take, NULL, "two");
	return 0;
}

static void __exit warn_on_tokens_exit(void)
{
	kthread_stop(threads[0]);
	kthread_stop(threads[1]);
}

module_init(warn_on_tokens_init);
module_exit(warn_on_tokens_exit);
MODULE_LICENSE("GPL");
