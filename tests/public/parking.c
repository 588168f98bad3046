// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread that is parked while nobody needs it.
 *
 * log: parking: stood still while parked
 * log: parking: went on after that
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>

static struct task_struct *thread;
static unsigned long steps;

static int step(void *unused)
{
	while (!kthread_should_stop()) {
		if (kthread_should_park()) {
			kthread_parkme();
			continue;
		}
		WRITE_ONCE(steps, steps + 1);
		msleep_interruptible(10);
	}
	return 0;
}

static int __init parking_init(void)
{
	unsigned long before;
	int err;

	thread = kthread_run(step, NULL, "stepper");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	msleep(100);
	err = kthread_park(thread);
	before = READ_ONCE(steps);
	msleep(100);
	if (!err && before > 2 && READ_ONCE(steps) == before)
		pr_info("stood still while parked\n");
	kthread_unpark(thread);
	msleep(100);
	if (READ_ONCE(steps) > before)
		pr_info("went on after that\n");
	return 0;
}

static void __exit parking_exit(void)
{
	kthread_stop(thread);
}

module_init(parking_init);
module_exit(parking_exit);
MODULE_LICENSE("GPL");
