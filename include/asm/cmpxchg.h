/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_CMPXCHG_H
#define _KTHREADS_ASM_CMPXCHG_H

#include <linux/compiler.h>

#define __cmpxchg_order(ptr, old, new, order) ({			\
	__typeof__(*(ptr)) __cx_old = (old);				\
	__atomic_compare_exchange_n((ptr), &__cx_old, (new), 0, order,	\
				    __ATOMIC_RELAXED);			\
	__cx_old; })

#define cmpxchg(ptr, old, new)		__cmpxchg_order(ptr, old, new, __ATOMIC_SEQ_CST)
#define cmpxchg_relaxed(ptr, old, new)	__cmpxchg_order(ptr, old, new, __ATOMIC_RELAXED)
#define cmpxchg_acquire(ptr, old, new)	__cmpxchg_order(ptr, old, new, __ATOMIC_ACQUIRE)
#define cmpxchg_release(ptr, old, new)	__cmpxchg_order(ptr, old, new, __ATOMIC_RELEASE)
#define cmpxchg64(ptr, old, new)	cmpxchg(ptr, old, new)
#define cmpxchg_local(ptr, old, new)	cmpxchg(ptr, old, new)
#define sync_cmpxchg(ptr, old, new)	cmpxchg(ptr, old, new)

/* True if @new was stored; if not, *@pold is what was found. */
#define try_cmpxchg(ptr, pold, new) \
	__atomic_compare_exchange_n((ptr), (pold), (new), 0,	\
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)
#define try_cmpxchg_relaxed(ptr, pold, new) \
	__atomic_compare_exchange_n((ptr), (pold), (new), 0,	\
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#define try_cmpxchg_acquire(ptr, pold, new) \
	__atomic_compare_exchange_n((ptr), (pold), (new), 0,	\
				    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define try_cmpxchg_release(ptr, pold, new) \
	__atomic_compare_exchange_n((ptr), (pold), (new), 0,	\
				    __ATOMIC_RELEASE, __ATOMIC_RELAXED)

#define __xchg_order(ptr, v, order) ({					\
	__typeof__(*(ptr)) __xg_old =					\
		__atomic_exchange_n((ptr), (v), order);			\
	__xg_old; })

#define xchg(ptr, v)		__xchg_order(ptr, v, __ATOMIC_SEQ_CST)
#define xchg_relaxed(ptr, v)	__xchg_order(ptr, v, __ATOMIC_RELAXED)
#define xchg_acquire(ptr, v)	__xchg_order(ptr, v, __ATOMIC_ACQUIRE)
#define xchg_release(ptr, v)	__xchg_order(ptr, v, __ATOMIC_RELEASE)

#endif
