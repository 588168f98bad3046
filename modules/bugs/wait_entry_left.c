// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * An entry of the module stands in a wait queue when the module is unloaded.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/wait.h>

MODULE_LICENSE("Dual MIT/GPL");

static DECLARE_WAIT_QUEUE_HEAD(events);
static struct wait_queue_entry listener;

static int count_event(struct wait_queue_entry *entry, unsigned int mode,
		       int flags, void *key)
{
	pr_info("an event\n");
	return 0;
}

static int __init wait_entry_left_init(void)
{
	init_waitqueue_func_entry(&listener, count_event);
	add_wait_queue(&events, &listener);
	wake_up(&events);
	return 0;
}

static void __exit wait_entry_left_exit(void)
{
}

module_init(wait_entry_left_init);
module_exit(wait_entry_left_exit);
