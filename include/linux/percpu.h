/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_PERCPU_H
#define _KTHREADS_LINUX_PERCPU_H

#include <linux/types.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/cpumask.h>

/*
 * A per-CPU variable stands for CPU 0 and each next CPU's copy lies
 * __per_cpu_stride bytes further; the loader makes the copies of the section.
 */
extern const unsigned long __per_cpu_stride;
extern void *__alloc_percpu(size_t size, size_t align);
extern void free_percpu(void *p);

#define DEFINE_PER_CPU(type, name) \
	__section(".data..percpu") __typeof__(type) name
#define DECLARE_PER_CPU(type, name)	extern DEFINE_PER_CPU(type, name)
#define DEFINE_PER_CPU_ALIGNED(type, name) \
	DEFINE_PER_CPU(type, name) __aligned(64)
#define DEFINE_PER_CPU_SHARED_ALIGNED(type, name) \
	DEFINE_PER_CPU_ALIGNED(type, name)
#define DEFINE_PER_CPU_READ_MOSTLY(type, name)	DEFINE_PER_CPU(type, name)
#define EXPORT_PER_CPU_SYMBOL(var)		EXPORT_SYMBOL(var)
#define EXPORT_PER_CPU_SYMBOL_GPL(var)		EXPORT_SYMBOL_GPL(var)

#define alloc_percpu(type) \
	((__typeof__(type) *)__alloc_percpu(sizeof(type), __alignof__(type)))
#define alloc_percpu_gfp(type, gfp)	alloc_percpu(type)

#define per_cpu_ptr(ptr, cpu) \
	((__typeof__(ptr))((unsigned long)(ptr) + (cpu) * __per_cpu_stride))
#define per_cpu(var, cpu)	(*per_cpu_ptr(&(var), cpu))
#define this_cpu_ptr(ptr)	per_cpu_ptr(ptr, smp_processor_id())
#define raw_cpu_ptr(ptr)	this_cpu_ptr(ptr)
#define __this_cpu_ptr(ptr)	this_cpu_ptr(ptr)
#define __get_cpu_var(var)	(*this_cpu_ptr(&(var)))

#define get_cpu_var(var)	(*({ preempt_disable(); this_cpu_ptr(&(var)); }))
#define put_cpu_var(var)	do { (void)&(var); preempt_enable(); } while (0)
#define get_cpu_ptr(var)	({ preempt_disable(); this_cpu_ptr(var); })
#define put_cpu_ptr(var)	do { (void)(var); preempt_enable(); } while (0)

/*
 * Preemption is off while the copy is chosen and used, and the access is
 * atomic, so an interrupt on the same CPU cannot come between.
 */
#define __this_cpu_do(pcp, expr) ({			\
	__typeof__(&(pcp)) __pcp;			\
	__typeof__(pcp) __pcp_value;			\
	preempt_disable();				\
	__pcp = this_cpu_ptr(&(pcp));			\
	__pcp_value = (expr);				\
	preempt_enable();				\
	__pcp_value; })

#define this_cpu_read(pcp)	__this_cpu_do(pcp, READ_ONCE(*__pcp))
#define this_cpu_write(pcp, val) \
	((void)__this_cpu_do(pcp, ({ WRITE_ONCE(*__pcp, val); *__pcp; })))
#define this_cpu_add_return(pcp, val) \
	__this_cpu_do(pcp, __atomic_add_fetch(__pcp, (val), __ATOMIC_RELAXED))
#define this_cpu_xchg(pcp, val) \
	__this_cpu_do(pcp, __atomic_exchange_n(__pcp, (val), __ATOMIC_RELAXED))
#define this_cpu_cmpxchg(pcp, old, new) \
	__this_cpu_do(pcp, cmpxchg(__pcp, old, new))
#define this_cpu_or(pcp, val) \
	((void)__this_cpu_do(pcp, __atomic_or_fetch(__pcp, (val), __ATOMIC_RELAXED)))
#define this_cpu_and(pcp, val) \
	((void)__this_cpu_do(pcp, __atomic_and_fetch(__pcp, (val), __ATOMIC_RELAXED)))
#define this_cpu_add(pcp, val)	((void)this_cpu_add_return(pcp, val))
#define this_cpu_sub(pcp, val)	this_cpu_add(pcp, -(__typeof__(pcp))(val))
#define this_cpu_inc(pcp)	this_cpu_add(pcp, 1)
#define this_cpu_dec(pcp)	this_cpu_sub(pcp, 1)
#define this_cpu_sub_return(pcp, val) this_cpu_add_return(pcp, -(__typeof__(pcp))(val))
#define this_cpu_inc_return(pcp) this_cpu_add_return(pcp, 1)
#define this_cpu_dec_return(pcp) this_cpu_sub_return(pcp, 1)

/* For callers that have preemption off already. */
#define __this_cpu_read(pcp)		(*this_cpu_ptr(&(pcp)))
#define __this_cpu_write(pcp, val)	((void)(*this_cpu_ptr(&(pcp)) = (val)))
#define __this_cpu_add(pcp, val)	((void)(*this_cpu_ptr(&(pcp)) += (val)))
#define __this_cpu_sub(pcp, val)	((void)(*this_cpu_ptr(&(pcp)) -= (val)))
#define __this_cpu_inc(pcp)		__this_cpu_add(pcp, 1)
#define __this_cpu_dec(pcp)		__this_cpu_sub(pcp, 1)
#define __this_cpu_inc_return(pcp)	(*this_cpu_ptr(&(pcp)) += 1)
#define raw_cpu_read(pcp)		this_cpu_read(pcp)
#define raw_cpu_write(pcp, val)		this_cpu_write(pcp, val)
#define raw_cpu_add(pcp, val)		this_cpu_add(pcp, val)
#define raw_cpu_inc(pcp)		this_cpu_inc(pcp)

#endif
