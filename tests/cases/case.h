/* What the cases share: the line they report with, and patience. */
#ifndef CASE_H
#define CASE_H

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/wait.h>

#define say(fmt, ...) pr_info("case: " fmt "\n", ##__VA_ARGS__)

/* True as soon as cond holds; false when five seconds did not bring it. */
#define soon(cond)                                  \
	({                                          \
		int tries_left_ = 1000;             \
		while (!(cond) && tries_left_-- > 0) \
			msleep(5);                  \
		!!(cond);                           \
	})

/* True once the task sleeps in exactly this state and has left its CPU. */
static inline bool sleeps_in(struct task_struct *task, unsigned int state)
{
	return soon(READ_ONCE(task->__state) == state && !READ_ONCE(task->on_cpu));
}

/* A thread function that does nothing but wait for its kthread_stop. */
static inline int until_stopped(void *unused)
{
	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

MODULE_LICENSE("GPL");

#endif
