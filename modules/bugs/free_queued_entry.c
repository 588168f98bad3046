// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Memory is freed with an entry in it that stands in a wait queue.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/wait.h>

MODULE_LICENSE("Dual MIT/GPL");

struct listener {
	struct wait_queue_entry entry;
	int events;
};

static DECLARE_WAIT_QUEUE_HEAD(events);
static struct listener *listener;

static int count_event(struct wait_queue_entry *entry, unsigned int mode,
		       int flags, void *key)
{
	container_of(entry, struct listener, entry)->events++;
	return 0;
}

static int __init free_queued_entry_init(void)
{
	listener = kzalloc(sizeof(*listener), GFP_KERNEL);
	if (!listener)
		return -ENOMEM;
	init_waitqueue_func_entry(&listener->entry, count_event);
	add_wait_queue(&events, &listener->entry);
	return 0;
}

static void __exit free_queued_entry_exit(void)
{
	kfree(listener);
	wake_up(&events);
}

module_init(free_queued_entry_init);
module_exit(free_queued_entry_exit);
