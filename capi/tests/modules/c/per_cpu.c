/* Per-CPU variables, static and allocated. */
#include <linux/module.h>
#include <linux/percpu.h>

static DEFINE_PER_CPU(int, counter) = 5;
static DEFINE_PER_CPU_ALIGNED(long, spread);
static unsigned int __percpu *allocated;

static int __init per_cpu_init(void)
{
	int cpu, sum = 0, zeroes = 0;

	allocated = alloc_percpu(unsigned int);
	if (!allocated)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		per_cpu(counter, cpu) += cpu;
		per_cpu(spread, cpu) = cpu;
		zeroes += *per_cpu_ptr(allocated, cpu) == 0;
		*per_cpu_ptr(allocated, cpu) = 100 + cpu;
	}
	this_cpu_inc(counter);
	for_each_possible_cpu(cpu)
		sum += per_cpu(counter, cpu) + per_cpu(spread, cpu) + *per_cpu_ptr(allocated, cpu);
	pr_info("cpus %u zeroes %d sum %d aligned %d symbol %pS\n", num_possible_cpus(), zeroes, sum,
		((unsigned long)&spread & 63) == 0, per_cpu_ptr(&counter, nr_cpu_ids - 1));
	return 0;
}

static void __exit per_cpu_exit(void)
{
	free_percpu(allocated);
}

module_init(per_cpu_init);
module_exit(per_cpu_exit);
MODULE_LICENSE("GPL");
