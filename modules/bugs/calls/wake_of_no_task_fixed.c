// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A pointer to something else is taken for a task.
 */
#include <linux/module.h>
#include <linux/sched.h>

MODULE_LICENSE("Dual MIT/GPL");

static long numbers[64];

static int __init wake_of_no_task_init(void)
{
	wake_up_process(current);
	return 0;
}

static void __exit wake_of_no_task_exit(void)
{
}

module_init(wake_of_no_task_init);
module_exit(wake_of_no_task_exit);
