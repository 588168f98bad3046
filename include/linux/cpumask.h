/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_CPUMASK_H
#define _KTHREADS_LINUX_CPUMASK_H

#include <linux/types.h>
#include <linux/cpumask_types.h>
#include <linux/bitops.h>
#include <linux/bitmap.h>
#include <linux/threads.h>

extern unsigned int nr_cpu_ids;
extern struct cpumask __cpu_possible_mask;
extern struct cpumask __cpu_online_mask;
extern struct cpumask __cpu_present_mask;
extern struct cpumask __cpu_active_mask;
extern const struct cpumask cpu_all_bits;
extern const struct cpumask __cpumask_of_cpu[NR_CPUS];

#define cpu_possible_mask	((const struct cpumask *)&__cpu_possible_mask)
#define cpu_online_mask		((const struct cpumask *)&__cpu_online_mask)
#define cpu_present_mask	((const struct cpumask *)&__cpu_present_mask)
#define cpu_active_mask		((const struct cpumask *)&__cpu_active_mask)
#define cpu_all_mask		(&cpu_all_bits)
#define cpumask_of(cpu)		(&__cpumask_of_cpu[cpu])
#define get_cpu_mask(cpu)	cpumask_of(cpu)
#define cpumask_bits(maskp)	((maskp)->bits)
#define nr_cpumask_bits		nr_cpu_ids
#define cpumask_size()		sizeof(struct cpumask)
#define cpumask_pr_args(maskp)	nr_cpu_ids, cpumask_bits(maskp)

#define CPU_MASK_ALL		((cpumask_t){ { ~0UL } })
#define CPU_MASK_NONE		((cpumask_t){ { 0UL } })
#define CPU_MASK_CPU0		((cpumask_t){ { 1UL } })
#define cpu_possible_map	__cpu_possible_mask
#define cpu_online_map		__cpu_online_mask
#define cpu_present_map		__cpu_present_mask
#define cpumask_of_cpu(cpu)	(*cpumask_of(cpu))

static inline unsigned int cpumask_first(const struct cpumask *mask)
{
	return find_first_bit(mask->bits, nr_cpu_ids);
}

static inline unsigned int cpumask_first_zero(const struct cpumask *mask)
{
	return find_first_zero_bit(mask->bits, nr_cpu_ids);
}

static inline unsigned int cpumask_last(const struct cpumask *mask)
{
	return find_last_bit(mask->bits, nr_cpu_ids);
}

static inline unsigned int cpumask_next(int cpu, const struct cpumask *mask)
{
	return find_next_bit(mask->bits, nr_cpu_ids, cpu + 1);
}

static inline unsigned int cpumask_next_zero(int cpu, const struct cpumask *mask)
{
	return find_next_zero_bit(mask->bits, nr_cpu_ids, cpu + 1);
}

static inline unsigned int cpumask_next_and(int cpu, const struct cpumask *a,
					    const struct cpumask *b)
{
	do {
		cpu = cpumask_next(cpu, a);
	} while ((unsigned int)cpu < nr_cpu_ids && !test_bit(cpu, b->bits));
	return cpu;
}

static inline unsigned int cpumask_first_and(const struct cpumask *a,
					     const struct cpumask *b)
{
	return cpumask_next_and(-1, a, b);
}

/* Goes round from @cpu until @start is reached again. */
static inline unsigned int cpumask_next_wrap(int cpu, const struct cpumask *mask,
					     int start, bool wrapped)
{
	unsigned int next = cpumask_next(cpu, mask);

	if (wrapped && cpu < start && (int)next >= start)
		return nr_cpu_ids;
	if (next < nr_cpu_ids)
		return next;
	if (wrapped)
		return nr_cpu_ids;
	next = cpumask_first(mask);
	return (int)next < start ? next : nr_cpu_ids;
}

#define cpumask_any(mask)		cpumask_first(mask)
#define cpumask_any_and(a, b)		cpumask_first_and((a), (b))

static inline unsigned int cpumask_any_but(const struct cpumask *mask, unsigned int cpu)
{
	unsigned int first = cpumask_first(mask);

	return first == cpu ? cpumask_next(first, mask) : first;
}

static inline void cpumask_set_cpu(unsigned int cpu, struct cpumask *mask)
{
	set_bit(cpu, mask->bits);
}

static inline void cpumask_clear_cpu(int cpu, struct cpumask *mask)
{
	clear_bit(cpu, mask->bits);
}

static inline bool cpumask_test_cpu(int cpu, const struct cpumask *mask)
{
	return test_bit(cpu, mask->bits);
}

static inline bool cpumask_test_and_set_cpu(int cpu, struct cpumask *mask)
{
	return test_and_set_bit(cpu, mask->bits);
}

static inline bool cpumask_test_and_clear_cpu(int cpu, struct cpumask *mask)
{
	return test_and_clear_bit(cpu, mask->bits);
}

#define __cpumask_set_cpu(cpu, mask)	__set_bit(cpu, (mask)->bits)
#define __cpumask_clear_cpu(cpu, mask)	__clear_bit(cpu, (mask)->bits)
#define cpumask_setall(mask)		bitmap_fill((mask)->bits, nr_cpu_ids)
#define cpumask_clear(mask)		bitmap_zero((mask)->bits, NR_CPUS)
#define cpumask_and(dst, a, b) \
	bitmap_and((dst)->bits, (a)->bits, (b)->bits, nr_cpu_ids)
#define cpumask_andnot(dst, a, b) \
	bitmap_andnot((dst)->bits, (a)->bits, (b)->bits, nr_cpu_ids)
#define cpumask_or(dst, a, b) \
	bitmap_or((dst)->bits, (a)->bits, (b)->bits, nr_cpu_ids)
#define cpumask_xor(dst, a, b) \
	bitmap_xor((dst)->bits, (a)->bits, (b)->bits, nr_cpu_ids)
#define cpumask_complement(dst, src) \
	bitmap_complement((dst)->bits, (src)->bits, nr_cpu_ids)
#define cpumask_equal(a, b)	bitmap_equal((a)->bits, (b)->bits, nr_cpu_ids)
#define cpumask_intersects(a, b) bitmap_intersects((a)->bits, (b)->bits, nr_cpu_ids)
#define cpumask_subset(a, b)	bitmap_subset((a)->bits, (b)->bits, nr_cpu_ids)
#define cpumask_empty(mask)	bitmap_empty((mask)->bits, nr_cpu_ids)
#define cpumask_full(mask)	bitmap_full((mask)->bits, nr_cpu_ids)
#define cpumask_weight(mask)	bitmap_weight((mask)->bits, nr_cpu_ids)
#define cpumask_copy(dst, src)	bitmap_copy((dst)->bits, (src)->bits, NR_CPUS)

#define for_each_cpu(cpu, mask)						\
	for ((cpu) = cpumask_first(mask); (cpu) < nr_cpu_ids;		\
	     (cpu) = cpumask_next((cpu), (mask)))
#define for_each_cpu_not(cpu, mask)					\
	for ((cpu) = cpumask_first_zero(mask); (cpu) < nr_cpu_ids;	\
	     (cpu) = cpumask_next_zero((cpu), (mask)))
#define for_each_cpu_and(cpu, a, b)					\
	for ((cpu) = cpumask_first_and((a), (b)); (cpu) < nr_cpu_ids;	\
	     (cpu) = cpumask_next_and((cpu), (a), (b)))
#define for_each_cpu_wrap(cpu, mask, start)				\
	for ((cpu) = cpumask_next_wrap((start) - 1, (mask), (start), false); \
	     (cpu) < nr_cpu_ids;					\
	     (cpu) = cpumask_next_wrap((cpu), (mask), (start),		\
				       (int)(cpu) < (int)(start)))
#define for_each_possible_cpu(cpu)	for_each_cpu((cpu), cpu_possible_mask)
#define for_each_online_cpu(cpu)	for_each_cpu((cpu), cpu_online_mask)
#define for_each_present_cpu(cpu)	for_each_cpu((cpu), cpu_present_mask)

#define num_online_cpus()	cpumask_weight(cpu_online_mask)
#define num_possible_cpus()	cpumask_weight(cpu_possible_mask)
#define num_present_cpus()	cpumask_weight(cpu_present_mask)
#define num_active_cpus()	cpumask_weight(cpu_active_mask)
#define cpu_online(cpu)		cpumask_test_cpu((cpu), cpu_online_mask)
#define cpu_possible(cpu)	cpumask_test_cpu((cpu), cpu_possible_mask)
#define cpu_present(cpu)	cpumask_test_cpu((cpu), cpu_present_mask)
#define cpu_active(cpu)		cpumask_test_cpu((cpu), cpu_active_mask)
#define cpu_is_offline(cpu)	unlikely(!cpu_online(cpu))

/* A cpumask_var_t is one word in place: nothing is allocated. */
static inline bool alloc_cpumask_var(cpumask_var_t *mask, gfp_t flags)
{
	return true;
}

static inline bool zalloc_cpumask_var(cpumask_var_t *mask, gfp_t flags)
{
	cpumask_clear(*mask);
	return true;
}

#define alloc_cpumask_var_node(mask, flags, node)  alloc_cpumask_var(mask, flags)
#define zalloc_cpumask_var_node(mask, flags, node) zalloc_cpumask_var(mask, flags)

static inline void free_cpumask_var(cpumask_var_t mask)
{
}

#endif
