// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Three threads take two of three spin locks each; together they form a circle.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/spinlock.h>

MODULE_LICENSE("Dual MIT/GPL");

static DEFINE_SPINLOCK(bus_lock);
static DEFINE_SPINLOCK(port_lock);
static DEFINE_SPINLOCK(queue_lock);
static struct task_struct *thread;
static int moved;

static noinline void move(spinlock_t *from, spinlock_t *to)
{
	spin_lock(from);
	spin_lock(to);
	moved++;
	spin_unlock(to);
	spin_unlock(from);
}

static int bus(void *unused)
{
	move(&bus_lock, &port_lock);
	return 0;
}

static int port(void *unused)
{
	move(&port_lock, &queue_lock);
	return 0;
}

static int queue(void *unused)
{
	move(&bus_lock, &queue_lock);
	return 0;
}

/* One after the other, so that none waits. */
static int run(void *unused)
{
	static int (*const works[])(void *) = { bus, port, queue };
	int i;

	for (i = 0; i < ARRAY_SIZE(works); i++) {
		struct task_struct *worker = kthread_create(works[i], NULL, "worker%d", i);

		if (IS_ERR(worker))
			continue;
		get_task_struct(worker);
		wake_up_process(worker);
		schedule_timeout_uninterruptible(HZ / 10);
		kthread_stop(worker);
		put_task_struct(worker);
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init lock_circle_init(void)
{
	thread = kthread_run(run, NULL, "runner");
	return PTR_ERR_OR_ZERO(thread);
}

static void __exit lock_circle_exit(void)
{
	kthread_stop(thread);
}

module_init(lock_circle_init);
module_exit(lock_circle_exit);
