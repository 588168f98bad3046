/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_PREEMPT_H
#define _KTHREADS_LINUX_PREEMPT_H

#include <linux/compiler.h>
#include <asm/thread_info.h>

/* preempt_count: eight bits each for preemption and softirq, four for the rest. */
#define PREEMPT_SHIFT		0
#define SOFTIRQ_SHIFT		8
#define HARDIRQ_SHIFT		16
#define NMI_SHIFT		20
#define PREEMPT_OFFSET		(1UL << PREEMPT_SHIFT)
#define SOFTIRQ_OFFSET		(1UL << SOFTIRQ_SHIFT)
#define HARDIRQ_OFFSET		(1UL << HARDIRQ_SHIFT)
#define NMI_OFFSET		(1UL << NMI_SHIFT)
#define SOFTIRQ_DISABLE_OFFSET	(2 * SOFTIRQ_OFFSET)
#define PREEMPT_MASK		0x000000ffUL
#define SOFTIRQ_MASK		0x0000ff00UL
#define HARDIRQ_MASK		0x000f0000UL
#define NMI_MASK		0x00f00000UL

extern void preempt_schedule(void);

static __always_inline int preempt_count(void)
{
	return READ_ONCE(current->__preempt_count);
}

static __always_inline void __preempt_count_add(int val)
{
	struct task_struct *task = current;

	WRITE_ONCE(task->__preempt_count, READ_ONCE(task->__preempt_count) + val);
	barrier();
}

static __always_inline void __preempt_count_sub(int val)
{
	struct task_struct *task = current;

	barrier();
	WRITE_ONCE(task->__preempt_count, READ_ONCE(task->__preempt_count) - val);
}

#define preempt_count_add(val)	__preempt_count_add(val)
#define preempt_count_sub(val)	__preempt_count_sub(val)
#define preempt_count_inc()	__preempt_count_add(1)
#define preempt_count_dec()	__preempt_count_sub(1)

static __always_inline void preempt_disable(void)
{
	__preempt_count_add(1);
}

static __always_inline void preempt_enable_no_resched(void)
{
	__preempt_count_sub(1);
}

static __always_inline void preempt_check_resched(void)
{
	if (unlikely(!preempt_count() && test_thread_flag(TIF_NEED_RESCHED)))
		preempt_schedule();
}

static __always_inline void preempt_enable(void)
{
	__preempt_count_sub(1);
	preempt_check_resched();
}

#define preempt_disable_notrace()		preempt_disable()
#define preempt_enable_notrace()		preempt_enable()
#define preempt_enable_no_resched_notrace()	preempt_enable_no_resched()
#define sched_preempt_enable_no_resched()	preempt_enable_no_resched()

#define nmi_count()		(preempt_count() & NMI_MASK)
#define hardirq_count()		(preempt_count() & HARDIRQ_MASK)
#define softirq_count()		(preempt_count() & SOFTIRQ_MASK)
#define irq_count()		(nmi_count() | hardirq_count() | softirq_count())
#define in_nmi()		nmi_count()
#define in_hardirq()		hardirq_count()
#define in_irq()		hardirq_count()
#define in_softirq()		softirq_count()
#define in_interrupt()		irq_count()
#define in_serving_softirq()	(softirq_count() & SOFTIRQ_OFFSET)
#define in_task() \
	(!(preempt_count() & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_OFFSET)))
#define in_atomic()		(preempt_count() != 0)
#define in_atomic_preempt_off()	(preempt_count() != 1)
#define preemptible()		(preempt_count() == 0 && !current->__irqs_off)

#endif
