// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The init function parks itself, which only a kernel thread can.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>

MODULE_LICENSE("Dual MIT/GPL");

static int __init parkme_outside_init(void)
{
	msleep(10);
	return 0;
}

static void __exit parkme_outside_exit(void)
{
}

module_init(parkme_outside_init);
module_exit(parkme_outside_exit);
