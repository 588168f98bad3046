// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Freezable threads that wait at a gate: exclusive waiters are let in one by one, and one of them
 * has written its wait by hand.
 *
 * log: gate: first wake-up let 1 in
 * log: gate: second wake-up let 2 in
 * log: gate: all 3 are in
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/freezer.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/wait.h>

#define VISITORS	3

static DECLARE_WAIT_QUEUE_HEAD(gate);
static struct task_struct *visitor[VISITORS];
static atomic_t tickets = ATOMIC_INIT(0), inside = ATOMIC_INIT(0);

static bool get_ticket(void)
{
	return atomic_add_unless(&tickets, -1, 0);
}

static int wait_by_hand(void)
{
	DEFINE_WAIT(wait);
	int err = 0;

	for (;;) {
		prepare_to_wait_exclusive(&gate, &wait, TASK_INTERRUPTIBLE);
		if (get_ticket())
			break;
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		schedule();
	}
	finish_wait(&gate, &wait);
	return err;
}

static int visit(void *data)
{
	bool by_hand = data;
	int err;

	set_freezable();
	if (by_hand)
		err = wait_by_hand();
	else
		err = wait_event_interruptible_exclusive(gate, get_ticket());
	if (!err)
		atomic_inc(&inside);
	/* Nothing to do in there. */
	while (!kthread_freezable_should_stop(NULL))
		wait_event_freezable_timeout(gate, kthread_should_stop(), HZ);
	return err;
}

static int let_in(int tickets_sold)
{
	atomic_set(&tickets, tickets_sold);
	if (tickets_sold == 1)
		wake_up_interruptible(&gate);
	else
		wake_up_interruptible_nr(&gate, tickets_sold);
	msleep(20);
	return atomic_read(&inside);
}

static int __init gate_init(void)
{
	long i;
	int in;

	for (i = 0; i < VISITORS; i++) {
		visitor[i] = kthread_run(visit, (void *)(i & 1), "visitor/%ld", i);
		if (IS_ERR(visitor[i])) {
			while (--i >= 0)
				kthread_stop(visitor[i]);
			return -ENOMEM;
		}
	}
	msleep(20);
	in = let_in(1);
	pr_info("first wake-up let %d in\n", in);
	pr_info("second wake-up let %d in\n", let_in(2) - in);
	return 0;
}

static void __exit gate_exit(void)
{
	int i;

	for (i = 0; i < VISITORS; i++)
		WARN_ON(kthread_stop(visitor[i]) != 0);
	pr_info("all %d are in\n", atomic_read(&inside));
}

module_init(gate_init);
module_exit(gate_exit);
MODULE_LICENSE("GPL");
