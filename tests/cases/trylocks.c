/*
 * The try forms answer differently: mutex_trylock and spin_trylock 1 when they have it, down_trylock 0.
 *
 * Covers: mutex_trylock, mutex_is_locked (kernel/locking/mutex.c), down_trylock, down_timeout, up
 * (kernel/locking/semaphore.c), spin_trylock.
 */
#include "case.h"
#include <linux/mutex.h>
#include <linux/semaphore.h>
#include <linux/spinlock.h>

static DEFINE_MUTEX(mutex);
static DEFINE_SPINLOCK(lock);
static struct semaphore semaphore;

static int try_mutex(void *unused)
{
	int taken = mutex_trylock(&mutex);

	if (taken)
		mutex_unlock(&mutex);
	until_stopped(NULL);
	return taken;
}

static int from_a_thread(void)
{
	struct task_struct *task = kthread_run(try_mutex, NULL, "try_mutex");

	sleeps_in(task, TASK_INTERRUPTIBLE);
	return kthread_stop(task);
}

static int __init trylocks_init(void)
{
	int first;

	say("mutex: locked=%d free=%d", mutex_is_locked(&mutex), from_a_thread());
	say("mutex: taken=%d", mutex_trylock(&mutex));
	say("mutex: locked=%d free=%d", mutex_is_locked(&mutex), from_a_thread());
	mutex_unlock(&mutex);
	first = spin_trylock(&lock);
	say("spinlock: first=%d", first);
	spin_unlock(&lock);
	sema_init(&semaphore, 1);
	first = down_trylock(&semaphore);
	say("semaphore: first=%d second=%d", first, down_trylock(&semaphore));
	say("semaphore: timeout=%d", down_timeout(&semaphore, 2));
	up(&semaphore);
	say("semaphore: interruptible=%d", down_interruptible(&semaphore));
	up(&semaphore);
	say("semaphore: killable=%d", down_killable(&semaphore));
	up(&semaphore);
	up(&semaphore);
	say("semaphore: timeout=%d", down_timeout(&semaphore, 2));
	say("semaphore: count=%u", semaphore.count);
	return 0;
}

static void __exit trylocks_exit(void)
{
}

module_init(trylocks_init);
module_exit(trylocks_exit);
