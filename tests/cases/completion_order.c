/*
 * Waiters of a completion pass first come first served, one for each complete(); complete_all lets all go.
 *
 * Covers: complete, complete_all, reinit_completion under waiters (kernel/sched/completion.c:swake_up_locked).
 */
#include "case.h"
#include <linux/spinlock.h>

#define WAITERS 4

static DECLARE_COMPLETION(gate);
static struct task_struct *tasks[WAITERS];
static atomic_t passed = ATOMIC_INIT(0);
static int order[WAITERS];
static DEFINE_SPINLOCK(order_lock);

static int wait_in_line(void *number)
{
	wait_for_completion(&gate);
	spin_lock(&order_lock);
	order[atomic_read(&passed)] = (int)(long)number;
	atomic_inc(&passed);
	spin_unlock(&order_lock);
	return until_stopped(NULL);
}

static void line_up(void)
{
	long i;

	atomic_set(&passed, 0);
	for (i = 0; i < WAITERS; i++) {
		tasks[i] = kthread_run(wait_in_line, (void *)(i + 1), "in_line");
		sleeps_in(tasks[i], TASK_UNINTERRUPTIBLE);
	}
}

static void stop_all(void)
{
	int i;

	for (i = 0; i < WAITERS; i++)
		kthread_stop(tasks[i]);
}

static int __init completion_order_init(void)
{
	int i;

	line_up();
	for (i = 1; i <= WAITERS; i++) {
		complete(&gate);
		soon(atomic_read(&passed) == i);
		msleep(20);
		say("completes=%d passed=%d last=%d", i, atomic_read(&passed), order[i - 1]);
	}
	stop_all();
	line_up();
	reinit_completion(&gate);
	msleep(20);
	say("reinit: passed=%d", atomic_read(&passed));
	complete_all(&gate);
	say("all: passed=%d", soon(atomic_read(&passed) == WAITERS));
	stop_all();
	return 0;
}

static void __exit completion_order_exit(void)
{
}

module_init(completion_order_init);
module_exit(completion_order_exit);
