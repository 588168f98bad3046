/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_KCONFIG_H
#define _KTHREADS_LINUX_KCONFIG_H

/*
 * The configuration this system stands for. Modules test these names with
 * #ifdef or IS_ENABLED().
 */
#define CONFIG_64BIT			1
#define CONFIG_X86			1
#define CONFIG_X86_64			1
#define CONFIG_SMP			1
#define CONFIG_NR_CPUS			64
#define CONFIG_HZ			250
#define CONFIG_HZ_250			1
#define CONFIG_PREEMPT			1
#define CONFIG_PREEMPTION		1
#define CONFIG_PREEMPT_COUNT		1
#define CONFIG_MODULES			1
#define CONFIG_MODULE_UNLOAD		1
#define CONFIG_PRINTK			1
#define CONFIG_BUG			1
#define CONFIG_DEBUG_ATOMIC_SLEEP	1

/*
 * IS_ENABLED(CONFIG_X): 1 if CONFIG_X or CONFIG_X_MODULE is defined as 1.
 * The value is pasted to a name that puts a 1 in second place only when the
 * value is 1; what then stands in second place is the answer.
 */
#define __CFG_IS_1			~, 1,
#define __cfg_second(a, b, ...)		b
#define __cfg_answer(pasted)		__cfg_second(pasted 0, 0)
#define __cfg_paste(value)		__cfg_answer(__CFG_IS_##value)
#define __cfg_test(value)		__cfg_paste(value)
#define IS_BUILTIN(option)		__cfg_test(option)
#define IS_MODULE(option)		__cfg_test(option##_MODULE)
#define IS_ENABLED(option)		(IS_BUILTIN(option) || IS_MODULE(option))
#define IS_REACHABLE(option)		IS_ENABLED(option)

#endif
