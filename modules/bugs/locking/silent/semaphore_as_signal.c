// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Right: semaphores that begin with one count, but are taken by one and given by
 * another, so that no order of theirs means anything.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/semaphore.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct semaphore room, filled;
static DEFINE_SEMAPHORE(turn);
static DEFINE_MUTEX(list_lock);
static DECLARE_COMPLETION(given);
static struct task_struct *thread;

static int consume(void *unused)
{
	while (!kthread_should_stop()) {
		if (down_timeout(&filled, HZ / 10))
			continue;
		mutex_lock(&list_lock);
		mutex_unlock(&list_lock);
		up(&room);
	}
	return 0;
}

static int give(void *unused)
{
	up(&turn);
	mutex_lock(&list_lock);
	down(&turn);
	mutex_unlock(&list_lock);
	complete(&given);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

/* It looks like a lock at first. */
static noinline int take_turns(void)
{
	struct task_struct *giver;

	down(&turn);
	up(&turn);
	down(&turn);
	mutex_lock(&list_lock);
	mutex_unlock(&list_lock);
	giver = kthread_run(give, NULL, "giver");
	if (IS_ERR(giver))
		return PTR_ERR(giver);
	wait_for_completion(&given);
	kthread_stop(giver);
	/* And once more by one that has it. */
	up(&turn);
	down(&turn);
	return 0;
}

static int __init semaphore_as_signal_init(void)
{
	int i;

	sema_init(&room, 1);
	sema_init(&filled, 0);
	thread = kthread_run(consume, NULL, "consumer");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	for (i = 0; i < 3; i++) {
		down(&room);
		mutex_lock(&list_lock);
		mutex_unlock(&list_lock);
		up(&filled);
	}
	i = take_turns();
	if (i)
		kthread_stop(thread);
	return i;
}

static void __exit semaphore_as_signal_exit(void)
{
	kthread_stop(thread);
}

module_init(semaphore_as_signal_init);
module_exit(semaphore_as_signal_exit);
