/*
 * A hand-made wait: prepare_to_wait queues and sets the state, a wake-up takes the entry off, finish_wait
 * leaves the thread running and unqueued whatever happened. An entry of add_wait_queue stays.
 *
 * Covers: DEFINE_WAIT, prepare_to_wait, prepare_to_wait_exclusive, finish_wait, DECLARE_WAITQUEUE,
 * add_wait_queue, remove_wait_queue, waitqueue_active (kernel/sched/wait.c), wait_woken.
 */
#include "case.h"

static DECLARE_WAIT_QUEUE_HEAD(queue);

static void describe(const char *when)
{
	say("%s: state=%u queued=%d", when, READ_ONCE(current->__state), !!waitqueue_active(&queue));
}

static int wait_by_hand(void *unused)
{
	DECLARE_WAITQUEUE(stays, current);
	DEFINE_WAIT(entry);
	bool first;

	prepare_to_wait(&queue, &entry, TASK_INTERRUPTIBLE);
	describe("prepared");
	wake_up(&queue);
	describe("woken by itself");
	schedule();
	prepare_to_wait(&queue, &entry, TASK_INTERRUPTIBLE);
	prepare_to_wait(&queue, &entry, TASK_INTERRUPTIBLE);
	describe("prepared twice");
	finish_wait(&queue, &entry);
	describe("finished");

	first = prepare_to_wait_exclusive(&queue, &entry, TASK_UNINTERRUPTIBLE);
	say("exclusive: first=%d", first);
	describe("exclusive");
	schedule();
	finish_wait(&queue, &entry);
	describe("exclusive finished");

	add_wait_queue(&queue, &stays);
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule();
	describe("added and woken");
	remove_wait_queue(&queue, &stays);
	describe("removed");
	return until_stopped(NULL);
}

static int latched(void *unused)
{
	DEFINE_WAIT_FUNC(entry, woken_wake_function);

	add_wait_queue(&queue, &entry);
	wake_up(&queue);
	say("latched: left=%d", wait_woken(&entry, TASK_INTERRUPTIBLE, 600 * HZ) > 500 * HZ);
	until_stopped(NULL);
	say("stopped: left=%d", wait_woken(&entry, TASK_UNINTERRUPTIBLE, 600 * HZ) > 500 * HZ);
	remove_wait_queue(&queue, &entry);
	return 0;
}

static int __init prepare_to_wait_init(void)
{
	struct task_struct *task = kthread_run(wait_by_hand, NULL, "by_hand");

	sleeps_in(task, TASK_UNINTERRUPTIBLE);
	wake_up(&queue);
	sleeps_in(task, TASK_UNINTERRUPTIBLE);
	wake_up(&queue);
	sleeps_in(task, TASK_INTERRUPTIBLE);
	kthread_stop(task);
	task = kthread_run(latched, NULL, "latched");
	sleeps_in(task, TASK_INTERRUPTIBLE);
	kthread_stop(task);
	return 0;
}

static void __exit prepare_to_wait_exit(void)
{
}

module_init(prepare_to_wait_init);
module_exit(prepare_to_wait_exit);
