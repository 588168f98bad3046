// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A reader looks at what is shared without saying so; whoever replaces it frees it at once.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

struct config {
	int level;
};

static struct task_struct *reader;
static DEFINE_SPINLOCK(lock);
static struct config *shared;
static int level;

static int look(void *unused)
{
	struct config *config;

	spin_lock(&lock);
	config = shared;
	if (config)
		level = READ_ONCE(config->level);
	spin_unlock(&lock);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init freed_too_soon_init(void)
{
	struct config *old;

	shared = kzalloc(sizeof(*shared), GFP_KERNEL);
	reader = kthread_run(look, NULL, "reader");
	spin_lock(&lock);
	old = shared;
	shared = NULL;
	spin_unlock(&lock);
	kfree(old);
	return PTR_ERR_OR_ZERO(reader);
}

static void __exit freed_too_soon_exit(void)
{
	kthread_stop(reader);
}

module_init(freed_too_soon_init);
module_exit(freed_too_soon_exit);
MODULE_LICENSE("GPL");
