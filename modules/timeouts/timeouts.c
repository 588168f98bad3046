// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What the waits with a time limit return, and what five seconds are.
 *
 * The limit is in jiffies, and HZ jiffies are one second, whatever HZ is. A wait returns 0 when the
 * time ran out, else what was left of it, at least 1: "0 is failure", the other way round than for
 * the waits that return an error number.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/timer.h>
#include <linux/wait.h>

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("waits with a time limit");

static DECLARE_COMPLETION(done);
static DECLARE_WAIT_QUEUE_HEAD(queue);
static struct task_struct *thread;

/* Runs in interrupt context: complete() may be called there. */
static void ring(struct timer_list *unused)
{
	complete(&done);
}

static DEFINE_TIMER(bell, ring);

/* To the nearest second: a loaded machine may be late by some jiffies. */
static unsigned long seconds(unsigned long span)
{
	return (span + HZ / 2) / HZ;
}

static void wait_in_vain(void)
{
	unsigned long begin = jiffies;
	unsigned long left = wait_for_completion_timeout(&done, 5 * HZ);

	pr_info("nobody completes: %lu left after %lu seconds\n", left, seconds(jiffies - begin));
}

static void wait_with_success(void)
{
	unsigned long left;

	mod_timer(&bell, jiffies + 2 * HZ);
	left = wait_for_completion_timeout(&done, 5 * HZ);
	pr_info("completed after 2 of 5 seconds: %lu seconds left\n", seconds(left));
}

static void wait_for_the_truth(void)
{
	/* A condition that is true is not waited for; the wake-up that nobody sends is not missed. */
	pr_info("true at once: %d of 100 left\n", (int)wait_event_timeout(queue, true, 100));
	/* Even with no time to wait the result says "true", not "timed out". */
	pr_info("true at once, no time: %d left\n", (int)wait_event_timeout(queue, true, 0));
	pr_info("false, no time: %d left\n", (int)wait_event_timeout(queue, false, 0));
}

static void sleep_awake(void)
{
	unsigned long begin = jiffies;

	/* Without a state set before it, schedule_timeout() does not sleep: it is set back to
	 * TASK_RUNNING by every wake-up, so it must be set anew in each round of a loop. */
	schedule_timeout(HZ);
	pr_info("schedule_timeout while running: %lu seconds\n", seconds(jiffies - begin));
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule_timeout(HZ);
	pr_info("schedule_timeout while asleep: %lu seconds\n", seconds(jiffies - begin));
}

/* Returns what the last wait said: -ERESTARTSYS when kthread_stop() ended it. */
static int wait_each_way(void *unused)
{
	int left;

	wait_in_vain();
	wait_with_success();
	wait_for_the_truth();
	sleep_awake();
	pr_info("waiting for an hour\n");
	left = wait_event_interruptible_timeout(queue, false, 3600 * HZ);
	pr_info("the hour ended early: %d\n", left);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return left;
}

static int __init timeouts_init(void)
{
	thread = kthread_run(wait_each_way, NULL, "timeouts");
	return PTR_ERR_OR_ZERO(thread);
}

static void __exit timeouts_exit(void)
{
	/* The thread may be inside any of its waits; the timer is off before its code goes. */
	int result = kthread_stop(thread);

	del_timer_sync(&bell);
	pr_info("the thread returned %d\n", result);
}

module_init(timeouts_init);
module_exit(timeouts_exit);
