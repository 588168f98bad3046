// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * WRONG ON PURPOSE: the module's exit function does not stop its thread. Nothing refuses the rmmod:
 * a running thread is no reference to its module.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static int tick(void *unused)
{
	int ticks = 0;

	for (;;) {
		pr_info("forgotten: tick %d\n", ++ticks);
		msleep(1000);
	}
	return 0;
}

static int __init forgotten_init(void)
{
	return PTR_ERR_OR_ZERO(kthread_run(tick, NULL, "forgotten"));
}

static void __exit forgotten_exit(void)
{
	pr_info("forgotten: the module goes\n");
}

module_init(forgotten_init);
module_exit(forgotten_exit);
