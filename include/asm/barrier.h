/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_BARRIER_H
#define _KTHREADS_ASM_BARRIER_H

#include <linux/compiler.h>

/*
 * Built on the compiler's atomics, not on assembly: a build with race checking
 * sees them then.
 */
#define __full_fence()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define mb()			__full_fence()
#define rmb()			__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define wmb()			__atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_mb()		mb()
#define smp_rmb()		rmb()
#define smp_wmb()		wmb()
#define dma_rmb()		rmb()
#define dma_wmb()		wmb()
#define read_barrier_depends()	do { } while (0)
#define smp_read_barrier_depends() do { } while (0)
#define smp_mb__before_atomic()	barrier()
#define smp_mb__after_atomic()	barrier()
#define smp_mb__before_atomic_inc() barrier()
#define smp_mb__after_atomic_inc() barrier()
#define smp_mb__before_atomic_dec() barrier()
#define smp_mb__after_atomic_dec() barrier()
#define smp_mb__before_clear_bit() barrier()
#define smp_mb__after_clear_bit() barrier()
#define smp_mb__after_spinlock() smp_mb()
#define smp_acquire__after_ctrl_dep() smp_rmb()

#define smp_store_release(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define smp_load_acquire(p)	__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define smp_store_mb(var, value) \
	do { WRITE_ONCE(var, value); smp_mb(); } while (0)
#define set_mb(var, value)	smp_store_mb(var, value)

extern void cpu_relax(void);

/* Spins until @cond_expr holds; VAL is the value last read. */
#define smp_cond_load_relaxed(ptr, cond_expr) ({	\
	__typeof__(*(ptr)) VAL;				\
	for (;;) {					\
		VAL = READ_ONCE(*(ptr));		\
		if (cond_expr)				\
			break;				\
		cpu_relax();				\
	}						\
	VAL; })
#define smp_cond_load_acquire(ptr, cond_expr) ({	\
	__typeof__(*(ptr)) __scl = smp_cond_load_relaxed(ptr, cond_expr); \
	smp_rmb();					\
	__scl; })

#endif
