/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_BUG_H
#define _KTHREADS_LINUX_BUG_H

#include <linux/compiler.h>
#include <linux/build_bug.h>
#include <linux/printk.h>

/* @fmt is NULL where the module gave no text. */
extern __printf(4, 5) void __warn_at(const char *file, int line,
				     const char *func, const char *fmt, ...);
extern void __noreturn __bug_at(const char *file, int line, const char *func);

#define BUG()		__bug_at(__FILE__, __LINE__, __func__)
#define BUG_ON(condition) \
	do { if (unlikely(condition)) BUG(); } while (0)

#define __WARN()	__warn_at(__FILE__, __LINE__, __func__, NULL)
#define __WARN_printf(fmt, ...) \
	__warn_at(__FILE__, __LINE__, __func__, fmt, ##__VA_ARGS__)

#define WARN_ON(condition) ({			\
	int __warn_cond = !!(condition);	\
	if (unlikely(__warn_cond))		\
		__WARN();			\
	unlikely(__warn_cond); })

#define WARN(condition, fmt, ...) ({			\
	int __warn_cond = !!(condition);		\
	if (unlikely(__warn_cond))			\
		__WARN_printf(fmt, ##__VA_ARGS__);	\
	unlikely(__warn_cond); })

#define WARN_ON_ONCE(condition) ({			\
	int __warn_cond = !!(condition);		\
	if (unlikely(__warn_cond) && __first_time())	\
		__WARN();				\
	unlikely(__warn_cond); })

#define WARN_ONCE(condition, fmt, ...) ({		\
	int __warn_cond = !!(condition);		\
	if (unlikely(__warn_cond) && __first_time())	\
		__WARN_printf(fmt, ##__VA_ARGS__);	\
	unlikely(__warn_cond); })

#define WARN_TAINT(condition, taint, fmt, ...)	WARN(condition, fmt, ##__VA_ARGS__)
#define WARN_ON_SMP(x)				WARN_ON(x)
#define CHECK_DATA_CORRUPTION(condition, fmt, ...) \
	WARN(condition, fmt, ##__VA_ARGS__)

#endif
