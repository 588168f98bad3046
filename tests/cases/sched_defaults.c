/*
 * A thread starts as an ordinary one, nice 0, on every CPU, with the flags of kthreadd.
 *
 * Covers: kernel/kthread.c:kthread, sched_set_fifo, sched_set_fifo_low, sched_set_normal, set_user_nice
 * (kernel/sched/core.c; values out of range are ignored), renice of a kernel thread, the flags in
 * /proc/PID/stat. Needs two CPUs.
 *
 * script:
 *   insmod sched_defaults.ko
 *   echo "case: flags=$(grep -c '(defaults) S 2 0 0 0 -1 2129984 ' /proc/$(pgrep -x defaults)/stat)"
 *   echo "case: $(grep Cpus_allowed_list /proc/$(pgrep -x defaults)/status)"
 *   taskset -p 2 $(pgrep -x defaults)
 *   echo "case: $(grep Cpus_allowed_list /proc/$(pgrep -x defaults)/status)"
 *   renice -n 7 -p $(pgrep -x defaults)
 *   rmmod sched_defaults
 */
#include "case.h"
#include <linux/cpumask.h>

static struct task_struct *task;

static void describe(const char *when)
{
	say("%s: policy=%u nice=%d rt_priority=%u prio=%d static_prio=%d", when, task->policy,
	    task_nice(task), task->rt_priority, task->prio, task->static_prio);
}

/* What a thread takes from kthreadd, and what it does not take from whoever asks for it. */
static void inherit(void)
{
	struct task_struct *heir, *kthreadd = task->real_parent;

	set_user_nice(kthreadd, 6);
	set_cpus_allowed_ptr(current, cpumask_of(0));
	set_user_nice(current, 3);
	heir = kthread_create(until_stopped, NULL, "heir");
	set_user_nice(kthreadd, 0);
	say("heir of kthreadd, nice 6: nice=%d all CPUs=%d", task_nice(heir),
	    cpumask_subset(cpu_online_mask, heir->cpus_ptr));
	kthread_stop(heir);
}

static int __init sched_defaults_init(void)
{
	static const long nices[] = { 19, -20, 20, -21, 5 };
	int i;

	task = kthread_run(until_stopped, NULL, "defaults");
	sleeps_in(task, TASK_INTERRUPTIBLE);
	describe("start");
	say("all CPUs=%d", cpumask_subset(cpu_online_mask, task->cpus_ptr));
	for (i = 0; i < ARRAY_SIZE(nices); i++) {
		set_user_nice(task, nices[i]);
		say("set_user_nice(%ld): nice=%d", nices[i], task_nice(task));
	}
	sched_set_fifo(task);
	describe("fifo");
	sched_set_fifo_low(task);
	describe("fifo_low");
	sched_set_normal(task, -3);
	describe("normal");
	set_user_nice(task, 0);
	inherit();
	return 0;
}

static void __exit sched_defaults_exit(void)
{
	say("reniced: nice=%d", task_nice(task));
	say("result=%d", kthread_stop(task));
}

module_init(sched_defaults_init);
module_exit(sched_defaults_exit);
