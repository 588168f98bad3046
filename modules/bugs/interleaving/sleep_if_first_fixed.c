// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Whoever comes first allocates the buffer, with a spin lock held. If that is the thread which may
 * sleep then, it does.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static struct task_struct *thread;
static DEFINE_SPINLOCK(lock);
static int *buffer;

static void fill(gfp_t flags)
{
	spin_lock(&lock);
	if (!buffer)
		buffer = kzalloc(sizeof(*buffer), flags);
	spin_unlock(&lock);
}

static int work(void *unused)
{
	fill(GFP_ATOMIC);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init sleep_if_first_init(void)
{
	thread = kthread_run(work, NULL, "worker");
	fill(GFP_ATOMIC);
	return PTR_ERR_OR_ZERO(thread);
}

static void __exit sleep_if_first_exit(void)
{
	kthread_stop(thread);
	kfree(buffer);
}

module_init(sleep_if_first_init);
module_exit(sleep_if_first_exit);
MODULE_LICENSE("GPL");
