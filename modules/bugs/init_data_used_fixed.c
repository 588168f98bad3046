// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A variable is used that was for init only.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

MODULE_LICENSE("Dual MIT/GPL");

static int speed = 3;
static int *volatile where = &speed;

static struct task_struct *thread;

static int run(void *unused)
{
	msleep(1000);
	pr_info("speed %d\n", *where);
	return 0;
}

static int __init init_data_used_init(void)
{
	thread = kthread_create(run, NULL, "runner");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void __exit init_data_used_exit(void)
{
	kthread_stop(thread);
	put_task_struct(thread);
}

module_init(init_data_used_init);
module_exit(init_data_used_exit);
