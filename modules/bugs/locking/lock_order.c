// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread takes two mutexes in one order and, later, in the other. Nobody is in
 * its way, this time.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

struct device {
	struct mutex lock;
	int value;
};

static DEFINE_MUTEX(table_lock);
static struct device *device;
static struct task_struct *thread;

static noinline void add(int value)
{
	mutex_lock(&table_lock);
	mutex_lock(&device->lock);
	device->value += value;
	mutex_unlock(&device->lock);
	mutex_unlock(&table_lock);
}

static noinline void clear(void)
{
	mutex_lock(&device->lock);
	mutex_lock(&table_lock);
	device->value = 0;
	mutex_unlock(&table_lock);
	mutex_unlock(&device->lock);
}

static int run(void *unused)
{
	add(1);
	clear();
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init lock_order_init(void)
{
	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return -ENOMEM;
	mutex_init(&device->lock);
	thread = kthread_run(run, NULL, "runner");
	if (IS_ERR(thread)) {
		kfree(device);
		return PTR_ERR(thread);
	}
	return 0;
}

static void __exit lock_order_exit(void)
{
	kthread_stop(thread);
	kfree(device);
}

module_init(lock_order_init);
module_exit(lock_order_exit);
