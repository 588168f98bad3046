/*
 * Threads that wait exclusively are woken one at a time, or as many as wake_up_nr says; one that leaves
 * because of a signal swallows no wake-up.
 *
 * Covers: wait_event_interruptible_exclusive, wake_up, wake_up_nr, wake_up_all
 * (kernel/sched/wait.c:prepare_to_wait_event).
 */
#include "case.h"

#define WAITERS 6

static DECLARE_WAIT_QUEUE_HEAD(queue);
static struct task_struct *tasks[WAITERS];
static atomic_t tickets = ATOMIC_INIT(0), passed = ATOMIC_INIT(0);

static bool take_ticket(void)
{
	return atomic_add_unless(&tickets, -1, 0);
}

static int exclusive(void *unused)
{
	int waited;

	allow_signal(SIGTERM);
	waited = wait_event_interruptible_exclusive(queue, take_ticket());
	if (waited)
		say("signalled: wait=%d", waited);
	atomic_inc(&passed);
	flush_signals(current);
	return until_stopped(NULL);
}

static void show(const char *what, int expected)
{
	soon(atomic_read(&passed) == expected);
	msleep(30);
	say("%s: passed=%d", what, atomic_read(&passed));
}

static int __init wake_exclusive_init(void)
{
	int i;

	for (i = 0; i < WAITERS; i++) {
		tasks[i] = kthread_run(exclusive, NULL, "exclusive");
		sleeps_in(tasks[i], TASK_INTERRUPTIBLE);
	}
	send_sig(SIGTERM, tasks[0], 0);
	show("signal", 1);
	atomic_set(&tickets, WAITERS);
	wake_up(&queue);
	show("wake_up", 2);
	wake_up_nr(&queue, 2);
	show("wake_up_nr 2", 4);
	wake_up_all(&queue);
	show("wake_up_all", WAITERS);
	for (i = 0; i < WAITERS; i++)
		kthread_stop(tasks[i]);
	return 0;
}

static void __exit wake_exclusive_exit(void)
{
}

module_init(wake_exclusive_init);
module_exit(wake_exclusive_exit);
