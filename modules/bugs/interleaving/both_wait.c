// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Two threads that each say that they want to enter, and wait until the other does not: if both say
 * so at once, both spin for ever.
 */
#include <linux/kthread.h>
#include <linux/module.h>

static struct task_struct *threads[2];
static int wants[2], turn;

static int enter(void *number)
{
	long me = (long)number;

	WRITE_ONCE(wants[me], 1);
	while (READ_ONCE(wants[!me]))
		cpu_relax();
	smp_store_release(&wants[me], 0);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init both_wait_init(void)
{
	WRITE_ONCE(turn, 0);
	threads[0] = kthread_run(enter, (void *)0, "one");
	threads[1] = kthread_run(enter, (void *)1, "two");
	return 0;
}

static void __exit both_wait_exit(void)
{
	kthread_stop(threads[0]);
	kthread_stop(threads[1]);
}

module_init(both_wait_init);
module_exit(both_wait_exit);
MODULE_LICENSE("GPL");
