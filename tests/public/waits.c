// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Every form of wait_event(), with a condition that holds, and with one that does not where there
 * is a time limit.
 *
 * log: waits: all forms return what they should
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/freezer.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

static DECLARE_WAIT_QUEUE_HEAD(wq);
static DEFINE_SPINLOCK(lock);
static DEFINE_MUTEX(mutex);
static struct task_struct *thread;
static int yes = 1, no, commands;

#define EXPECT(what, result) do {					\
	long got = (what);						\
	if (got != (result))						\
		pr_err("%s is %ld\n", #what, got);			\
	wrong += got != (result);					\
} while (0)

static int conditions_that_hold(void)
{
	int wrong = 0;

	wait_event(wq, yes);
	wait_event_idle(wq, yes);
	wait_event_idle_exclusive(wq, yes);
	wait_event_cmd(wq, yes, commands++, commands++);
	io_wait_event(wq, yes);
	EXPECT(wait_event_interruptible(wq, yes), 0);
	EXPECT(wait_event_interruptible_exclusive(wq, yes), 0);
	EXPECT(wait_event_killable(wq, yes), 0);
	EXPECT(wait_event_killable_exclusive(wq, yes), 0);
	EXPECT(wait_event_freezable(wq, yes), 0);
	EXPECT(wait_event_freezable_exclusive(wq, yes), 0);
	EXPECT(wait_event_state(wq, yes, TASK_IDLE), 0);
	EXPECT(wait_event_timeout(wq, yes, 5), 5);
	EXPECT(wait_event_timeout(wq, yes, 0), 1);
	EXPECT(wait_event_interruptible_timeout(wq, yes, 5), 5);
	EXPECT(wait_event_killable_timeout(wq, yes, 5), 5);
	EXPECT(wait_event_freezable_timeout(wq, yes, 5), 5);
	EXPECT(wait_event_idle_timeout(wq, yes, 5), 5);
	EXPECT(wait_event_idle_exclusive_timeout(wq, yes, 5), 5);
	EXPECT(wait_event_hrtimeout(wq, yes, ms_to_ktime(3)), 0);
	EXPECT(wait_event_interruptible_hrtimeout(wq, yes, ms_to_ktime(3)), 0);
	EXPECT(commands, 0);
	return wrong;
}

static int conditions_that_never_come(void)
{
	int wrong = 0;

	EXPECT(wait_event_timeout(wq, no, 2), 0);
	EXPECT(wait_event_interruptible_timeout(wq, no, 2), 0);
	EXPECT(wait_event_killable_timeout(wq, no, 2), 0);
	EXPECT(wait_event_freezable_timeout(wq, no, 2), 0);
	EXPECT(wait_event_idle_timeout(wq, no, 2), 0);
	EXPECT(wait_event_hrtimeout(wq, no, ms_to_ktime(3)), -ETIME);
	EXPECT(wait_event_interruptible_hrtimeout(wq, no, us_to_ktime(300)), -ETIME);
	return wrong;
}

static int with_a_lock(void)
{
	int wrong = 0;

	spin_lock_irq(&lock);
	wait_event_lock_irq(wq, yes, lock);
	wait_event_lock_irq_cmd(wq, yes, lock, commands++);
	EXPECT(wait_event_interruptible_lock_irq(wq, yes, lock), 0);
	EXPECT(wait_event_interruptible_lock_irq_timeout(wq, yes, lock, 2), 2);
	EXPECT(wait_event_lock_irq_timeout(wq, no, lock, 2), 0);
	EXPECT(spin_is_locked(&lock), 1);
	EXPECT(irqs_disabled(), 1);
	spin_unlock_irq(&lock);

	spin_lock(&wq.lock);
	EXPECT(wait_event_interruptible_locked(wq, yes), 0);
	EXPECT(wait_event_interruptible_exclusive_locked(wq, yes), 0);
	spin_unlock(&wq.lock);

	mutex_lock(&mutex);
	wait_event_cmd(wq, ++no > 1, mutex_unlock(&mutex), mutex_lock(&mutex));
	EXPECT(mutex_is_locked(&mutex), 1);
	mutex_unlock(&mutex);
	no = 0;
	return wrong;
}

static int wait_in_all_ways(void *unused)
{
	int wrong = conditions_that_hold() + conditions_that_never_come() + with_a_lock();

	if (!wrong)
		pr_info("all forms return what they should\n");
	wait_event_interruptible(wq, kthread_should_stop());
	return wrong;
}

static int __init waits_init(void)
{
	thread = kthread_run(wait_in_all_ways, NULL, "waits");
	return PTR_ERR_OR_ZERO(thread);
}

static void __exit waits_exit(void)
{
	WARN_ON(!waitqueue_active(&wq));
	WARN_ON(kthread_stop(thread));
	WARN_ON(waitqueue_active(&wq));
}

module_init(waits_init);
module_exit(waits_exit);
MODULE_LICENSE("GPL");
