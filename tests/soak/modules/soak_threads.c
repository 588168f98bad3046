// SPDX-License-Identifier: MIT OR Apache-2.0
/* Threads that hand an allocated message round by a wait queue, park and sleep; stopped at exit. */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

MODULE_LICENSE("Dual MIT/GPL");

#define THREADS 4

struct message {
	struct message *next;
	unsigned int number;
};

static struct task_struct *threads[THREADS];
static DECLARE_WAIT_QUEUE_HEAD(waiters);
static DEFINE_SPINLOCK(lock);
static struct message *first;	/* under lock */

static void send(unsigned int number)
{
	struct message *message = kmalloc(sizeof(*message), GFP_KERNEL);
	unsigned long flags;

	if (!message)
		return;
	message->number = number;
	spin_lock_irqsave(&lock, flags);
	message->next = first;
	first = message;
	spin_unlock_irqrestore(&lock, flags);
	wake_up(&waiters);
}

static struct message *receive(void)
{
	struct message *message;
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	message = first;
	if (message)
		first = message->next;
	spin_unlock_irqrestore(&lock, flags);
	return message;
}

static int relay(void *data)
{
	unsigned int turns = 0;

	while (!kthread_should_stop()) {
		struct message *message = NULL;

		if (kthread_should_park())
			kthread_parkme();
		wait_event_interruptible_timeout(waiters,
						 (message = receive()) || kthread_should_stop() ||
						 kthread_should_park(), 1);
		kfree(message);
		if (turns++ % 4 == 0)
			schedule_timeout_uninterruptible(1);
		send(turns);
		cond_resched();
	}
	return 7;
}

static int stop_all(void)
{
	struct message *message;
	int wrong = 0;
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		int end;

		if (!threads[i])
			continue;
		if (i % 2 == 0 && kthread_park(threads[i]) == 0 && i == 0)
			kthread_unpark(threads[i]);
		end = kthread_stop(threads[i]);
		wrong += end != 7 && end != -EINTR;
		threads[i] = NULL;
	}
	while ((message = receive()))
		kfree(message);
	return wrong;
}

static int __init soak_threads_init(void)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		struct task_struct *thread = kthread_create(relay, NULL, "soak_relay/%u", i);

		if (IS_ERR(thread)) {
			stop_all();
			return -EAGAIN;
		}
		threads[i] = thread;
		if (i == 1)
			kthread_bind(thread, num_online_cpus() - 1);
		if (i != 3)
			wake_up_process(thread);
	}
	return 0;
}

static void __exit soak_threads_exit(void)
{
	WARN_ON(stop_all());
}

module_init(soak_threads_init);
module_exit(soak_threads_exit);
