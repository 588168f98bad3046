/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_COMPILER_H
#define _KTHREADS_LINUX_COMPILER_H

/* The GNU C dialect every other header is written in (gcc and clang). */

#define __always_inline		inline __attribute__((always_inline))
#ifndef noinline
#define noinline		__attribute__((noinline))
#endif
#define __noinline		noinline
#define noinline_for_stack	noinline
#define __used			__attribute__((used))
#define __unused		__attribute__((unused))
#define __maybe_unused		__attribute__((unused))
#define __always_unused		__attribute__((unused))
#define __packed		__attribute__((packed))
#define __aligned(x)		__attribute__((aligned(x)))
#define __section(s)		__attribute__((section(s)))
#define __weak			__attribute__((weak))
#define __alias(sym)		__attribute__((alias(#sym)))
#define __noreturn		__attribute__((noreturn))
#define __pure			__attribute__((pure))
#define __attribute_const__	__attribute__((const))
#define __must_check		__attribute__((warn_unused_result))
#define __printf(fmt, args)	__attribute__((format(printf, fmt, args)))
#define __scanf(fmt, args)	__attribute__((format(scanf, fmt, args)))
#define __malloc		__attribute__((malloc))
#define __cold			__attribute__((cold))
#define __deprecated
#define __visible		__attribute__((visibility("default")))
#define __naked			__attribute__((naked))
#define __cleanup(fn)		__attribute__((cleanup(fn)))
#define __mode(x)		__attribute__((mode(x)))
#define __assume_aligned(...)	__attribute__((assume_aligned(__VA_ARGS__)))
#define __flatten		__attribute__((flatten))
#define __nonstring
#define __counted_by(member)
#define __randomize_layout
#define __no_randomize_layout
#define __designated_init
#define __ro_after_init
#define __read_mostly
#define ____cacheline_aligned	__attribute__((aligned(64)))
#define ____cacheline_aligned_in_smp ____cacheline_aligned
#define __cacheline_aligned	____cacheline_aligned
#define __cacheline_aligned_in_smp ____cacheline_aligned
#define notrace
#define asmlinkage
#define fastcall
#define asm_volatile_goto(x...)	asm goto(x)
#define __no_sanitize_thread	__attribute__((no_sanitize("thread")))

#if __has_attribute(__fallthrough__)
#define fallthrough		__attribute__((__fallthrough__))
#else
#define fallthrough		do { } while (0)
#endif

/* Address-space and lock annotations are for checkers; here they are empty. */
#define __user
#define __kernel
#define __iomem
#define __percpu
#define __rcu
#define __force
#define __nocast
#define __safe
#define __private
#define __bitwise
#define __acquires(x)
#define __releases(x)
#define __must_hold(x)
#define __acquire(x)		(void)0
#define __release(x)		(void)0
#define __cond_lock(x, c)	(c)

#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define unreachable()		__builtin_unreachable()
#define barrier()		__asm__ __volatile__("" : : : "memory")
#define barrier_data(p)		__asm__ __volatile__("" : : "r"(p) : "memory")
#define OPTIMIZER_HIDE_VAR(v)	__asm__("" : "=r"(v) : "0"(v))
#define _RET_IP_		((unsigned long)__builtin_return_address(0))
#define _THIS_IP_		({ __label__ __here; __here: (unsigned long)&&__here; })
#define __same_type(a, b)	__builtin_types_compatible_p(__typeof__(a), __typeof__(b))
#define offsetof(type, member)	__builtin_offsetof(type, member)
#define offsetofend(type, member) \
	(offsetof(type, member) + sizeof(((type *)0)->member))
#define sizeof_field(type, member) sizeof(((type *)0)->member)
#define FIELD_SIZEOF(type, member) sizeof_field(type, member)

/*
 * One access, done exactly once. The volatile cast also tells the race
 * detector that the access is meant to be concurrent.
 */
#define READ_ONCE(x)		({ *(const volatile __typeof__(x) *)&(x); })
#define WRITE_ONCE(x, val) \
	do { *(volatile __typeof__(x) *)&(x) = (val); } while (0)
#define ACCESS_ONCE(x)		(*(volatile __typeof__(x) *)&(x))
#define data_race(expr)		({ expr; })

#define ___PASTE(a, b)		a##b
#define __PASTE(a, b)		___PASTE(a, b)
#define __UNIQUE_ID(prefix) \
	__PASTE(__PASTE(__unique_##prefix##_, __LINE__), __PASTE(_, __COUNTER__))
#define __stringify_1(x...)	#x
#define __stringify(x...)	__stringify_1(x)

#define static_assert(expr, ...) \
	__static_assert(expr, ##__VA_ARGS__, #expr)
#define __static_assert(expr, msg, ...) _Static_assert(expr, msg)

#include <linux/kconfig.h>

#endif
