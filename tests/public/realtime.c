// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Threads of three classes of urgency, bound to one CPU: the more urgent runs first.
 *
 * log: realtime: order: urgent soon normal
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/version.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(4, 11, 0)
#include <uapi/linux/sched/types.h>
#endif

static char order[64];
static atomic_t left = ATOMIC_INIT(3);
static DECLARE_COMPLETION(all_ran);
static struct task_struct *task[3];

static int run(void *name)
{
	strncat(order, " ", sizeof(order) - strlen(order) - 1);
	strncat(order, name, sizeof(order) - strlen(order) - 1);
	if (atomic_dec_and_test(&left))
		complete(&all_ran);
	return 0;
}

static int start(void *unused)
{
	int i;

	/* They are on this CPU, and it is not given up before all are awake. */
	preempt_disable();
	for (i = 0; i < 3; i++)
		wake_up_process(task[i]);
	preempt_enable();
	return 0;
}

static int __init realtime_init(void)
{
	static char *names[] = { "normal", "soon", "urgent" };
	struct sched_param param = { .sched_priority = MAX_RT_PRIO / 2 };
	struct task_struct *starter;
	int i;

	for (i = 0; i < 3; i++) {
		task[i] = kthread_create(run, names[i], "%s", names[i]);
		if (IS_ERR(task[i]))
			goto failed;
		kthread_bind(task[i], 0);
	}
	sched_set_fifo_low(task[1]);
	if (sched_setscheduler(task[2], SCHED_FIFO, &param))
		goto failed;
	starter = kthread_create_on_cpu(start, NULL, 0, "start/%u");
	if (IS_ERR(starter))
		goto failed;
	wake_up_process(starter);
	wait_for_completion(&all_ran);
	msleep(10);
	pr_info("order:%s\n", order);
	return 0;
failed:
	while (--i >= 0)
		kthread_stop(task[i]);
	return -ENOMEM;
}

static void __exit realtime_exit(void)
{
}

module_init(realtime_init);
module_exit(realtime_exit);
MODULE_LICENSE("GPL");
