// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A wait queue is woken that nobody has initialised.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/wait.h>

MODULE_LICENSE("Dual MIT/GPL");

static wait_queue_head_t queue;

static int __init waitqueue_unset_init(void)
{
	wake_up(&queue);
	return 0;
}

static void __exit waitqueue_unset_exit(void)
{
}

module_init(waitqueue_unset_init);
module_exit(waitqueue_unset_exit);
