// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * kthread_should_stop() is asked in a function that the init function calls.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static int attempts;

static int __init should_stop_outside_init(void)
{
	while (attempts < 3) {
		attempts++;
		msleep(10);
	}
	return 0;
}

static void __exit should_stop_outside_exit(void)
{
}

module_init(should_stop_outside_init);
module_exit(should_stop_outside_exit);
