// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Memory is freed while a timer in it is pending.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/timer.h>

MODULE_LICENSE("Dual MIT/GPL");

struct device {
	int number;
	struct timer_list poll;
};

static struct device *device;

static void poll(struct timer_list *timer)
{
	struct device *device = from_timer(device, timer, poll);

	pr_info("device %d is polled\n", device->number);
}

static int __init free_pending_timer_init(void)
{
	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return -ENOMEM;
	timer_setup(&device->poll, poll, 0);
	mod_timer(&device->poll, jiffies + 100 * HZ);
	return 0;
}

static void __exit free_pending_timer_exit(void)
{
	kfree(device);
}

module_init(free_pending_timer_init);
module_exit(free_pending_timer_exit);
