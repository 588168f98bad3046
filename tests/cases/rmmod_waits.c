/*
 * An exit function that stops a thread in an uninterruptible wait makes rmmod wait as long: both are in
 * state D, and kill -9 of either changes nothing.
 *
 * Covers: kthread_stop (kernel/kthread.c) from module_exit, delete_module (kernel/module/main.c).
 *
 * script:
 *   insmod rmmod_waits.ko
 *   rmmod rmmod_waits &
 *   sleep 0.5
 *   pkill -9 -x rmmod
 *   pkill -9 -x wants_data
 *   sleep 0.5
 *   echo "case: rmmod $(grep State /proc/$(pgrep -x rmmod)/status)"
 *   echo "case: thread $(grep State /proc/$(pgrep -x wants_data)/status)"
 *   echo "case: unloading=$(grep -c ' -1 - Unloading ' /proc/modules)"
 *   sleep 5
 *   echo "case: loaded=$(grep -c '^rmmod_waits ' /proc/modules)"
 */
#include "case.h"
#include <linux/timer.h>

static DECLARE_COMPLETION(data);
static struct task_struct *task;

static void deliver(struct timer_list *unused)
{
	say("delivers");
	complete(&data);
}

static DEFINE_TIMER(timer, deliver);

static int wants_data(void *unused)
{
	wait_for_completion(&data);
	say("has it: should_stop=%d", kthread_should_stop());
	return 4;
}

static int __init rmmod_waits_init(void)
{
	task = kthread_run(wants_data, NULL, "wants_data");
	sleeps_in(task, TASK_UNINTERRUPTIBLE);
	return 0;
}

static void __exit rmmod_waits_exit(void)
{
	mod_timer(&timer, jiffies + 4 * HZ);
	say("result=%d", kthread_stop(task));
	del_timer_sync(&timer);
}

module_init(rmmod_waits_init);
module_exit(rmmod_waits_exit);
