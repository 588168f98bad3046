// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread bound to each CPU that counts in per-CPU memory, without locks.
 *
 * log: percpu_stats: CPUS threads
 * log: percpu_stats: every count is on its own CPU
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/smp.h>

struct stats {
	u64 packets;
	u64 bytes;
};

static DEFINE_PER_CPU(struct task_struct *, thread);
static DEFINE_PER_CPU(int, wrong_cpu);
static struct stats __percpu *stats;

static int count(void *data)
{
	int home = (long)data;

	while (!kthread_should_stop()) {
		int cpu = get_cpu();

		if (cpu != home)
			this_cpu_inc(wrong_cpu);
		this_cpu_inc(stats->packets);
		this_cpu_add(stats->bytes, 64);
		put_cpu();
		usleep_range(1000, 3000);
	}
	return 0;
}

static void stop_all(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct task_struct *t = per_cpu(thread, cpu);

		if (t)
			kthread_stop(t);
		per_cpu(thread, cpu) = NULL;
	}
}

static int __init percpu_stats_init(void)
{
	int cpu, made = 0;

	stats = alloc_percpu(struct stats);
	if (!stats)
		return -ENOMEM;
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		struct task_struct *t;

		t = kthread_create_on_node(count, (void *)(long)cpu, cpu_to_node(cpu),
					   "count/%d", cpu);
		if (IS_ERR(t))
			continue;
		kthread_bind(t, cpu);
		per_cpu(thread, cpu) = t;
		wake_up_process(t);
		made++;
	}
	cpus_read_unlock();
	pr_info("%d threads\n", made);
	return 0;
}

static void __exit percpu_stats_exit(void)
{
	bool right = true;
	int cpu;

	stop_all();
	for_each_online_cpu(cpu) {
		struct stats *s = per_cpu_ptr(stats, cpu);

		right &= s->packets > 100 && s->bytes == 64 * s->packets;
		right &= per_cpu(wrong_cpu, cpu) == 0;
		pr_debug("cpu %d: %llu packets\n", cpu, s->packets);
	}
	free_percpu(stats);
	if (right)
		pr_info("every count is on its own CPU\n");
}

module_init(percpu_stats_init);
module_exit(percpu_stats_exit);
MODULE_LICENSE("GPL");
