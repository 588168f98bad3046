// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread takes a spin lock that it holds, and spins for ever.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/spinlock.h>

static struct task_struct *thread;
static DEFINE_SPINLOCK(count_lock);
static int count;

static noinline void add(int number)
{
	lockdep_assert_held(&count_lock);
	count += number;
}

static int work(void *unused)
{
	spin_lock(&count_lock);
	if (count < 10)
		add(10);
	spin_unlock(&count_lock);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init spin_twice_init(void)
{
	thread = kthread_run(work, NULL, "adder");
	return PTR_ERR_OR_ZERO(thread);
}

static void __exit spin_twice_exit(void)
{
	kthread_stop(thread);
}

module_init(spin_twice_init);
module_exit(spin_twice_exit);
MODULE_LICENSE("GPL");
