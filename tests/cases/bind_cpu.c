/*
 * A thread bound before its first wake-up stays on that CPU, whatever user space asks for; the kernel itself
 * may still move it. Binding a thread that runs already warns and changes nothing.
 *
 * Covers: kthread_bind, kthread_create_on_cpu (kernel/kthread.c), PF_NO_SETAFFINITY, set_cpus_allowed_ptr
 * (kernel/sched/core.c). Needs two CPUs.
 *
 * script:
 *   insmod bind_cpu.ko
 *   echo "case: $(grep Cpus_allowed_list /proc/$(pgrep -x bound)/status)"
 *   echo "case: flags=$(grep -c '(bound) S 2 0 0 0 -1 69238848 ' /proc/$(pgrep -x bound)/stat)"
 *   taskset -p 1 $(pgrep -x bound)
 *   echo "case: $(grep Cpus_allowed_list /proc/$(pgrep -x bound)/status)"
 *   echo "case: $(grep Cpus_allowed_list /proc/$(pgrep -x on_cpu/1)/status)"
 *   rmmod bind_cpu
 */
#include "case.h"
#include <linux/cpumask.h>
#include <linux/smp.h>

static struct task_struct *bound, *on_cpu;

static void describe(const char *when, struct task_struct *task)
{
	say("%s: comm=%s cpus=%u on_0=%d on_1=%d no_setaffinity=%d", when, task->comm,
	    cpumask_weight(task->cpus_ptr), cpumask_test_cpu(0, task->cpus_ptr),
	    cpumask_test_cpu(1, task->cpus_ptr), !!(task->flags & PF_NO_SETAFFINITY));
}

static int tell_cpu(void *unused)
{
	say("runs on cpu=%u", raw_smp_processor_id());
	return until_stopped(NULL);
}

static int __init bind_cpu_init(void)
{
	bound = kthread_create(tell_cpu, NULL, "bound");
	describe("created", bound);
	kthread_bind(bound, 1);
	describe("bound", bound);
	wake_up_process(bound);
	sleeps_in(bound, TASK_INTERRUPTIBLE);
	kthread_bind(bound, 0);
	describe("bound again", bound);
	on_cpu = kthread_create_on_cpu(tell_cpu, NULL, 1, "on_cpu/%u");
	wake_up_process(on_cpu);
	sleeps_in(on_cpu, TASK_INTERRUPTIBLE);
	describe("create_on_cpu", on_cpu);
	return 0;
}

static void __exit bind_cpu_exit(void)
{
	say("set_cpus_allowed_ptr=%d", set_cpus_allowed_ptr(bound, cpumask_of(0)));
	describe("moved", bound);
	say("set_cpus_allowed_ptr=%d", set_cpus_allowed_ptr(bound, cpumask_of(1)));
	kthread_stop(bound);
	kthread_stop(on_cpu);
}

module_init(bind_cpu_init);
module_exit(bind_cpu_exit);
