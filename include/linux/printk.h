/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_PRINTK_H
#define _KTHREADS_LINUX_PRINTK_H

#include <linux/types.h>
#include <linux/stdarg.h>
#include <linux/kern_levels.h>
#include <linux/ratelimit_types.h>

extern __printf(1, 2) int _printk(const char *fmt, ...);
extern __printf(1, 0) int vprintk(const char *fmt, va_list args);
extern int __printk_ratelimit(const char *func);
extern void dump_stack(void);

#define printk(fmt, ...)		_printk(fmt, ##__VA_ARGS__)
#define printk_deferred(fmt, ...)	_printk(fmt, ##__VA_ARGS__)
#define printk_ratelimit()		__printk_ratelimit(__func__)

/* Checks the format and evaluates nothing. */
#define no_printk(fmt, ...) ({			\
	if (0)					\
		_printk(fmt, ##__VA_ARGS__);	\
	0; })

#ifndef pr_fmt
#define pr_fmt(fmt)	fmt
#endif

#define pr_emerg(fmt, ...)	printk(KERN_EMERG pr_fmt(fmt), ##__VA_ARGS__)
#define pr_alert(fmt, ...)	printk(KERN_ALERT pr_fmt(fmt), ##__VA_ARGS__)
#define pr_crit(fmt, ...)	printk(KERN_CRIT pr_fmt(fmt), ##__VA_ARGS__)
#define pr_err(fmt, ...)	printk(KERN_ERR pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...)	printk(KERN_WARNING pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warning		pr_warn
#define pr_notice(fmt, ...)	printk(KERN_NOTICE pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info(fmt, ...)	printk(KERN_INFO pr_fmt(fmt), ##__VA_ARGS__)
#define pr_cont(fmt, ...)	printk(KERN_CONT fmt, ##__VA_ARGS__)

#ifdef DEBUG
#define pr_debug(fmt, ...)	printk(KERN_DEBUG pr_fmt(fmt), ##__VA_ARGS__)
#define pr_devel(fmt, ...)	printk(KERN_DEBUG pr_fmt(fmt), ##__VA_ARGS__)
#else
#define pr_debug(fmt, ...)	no_printk(KERN_DEBUG pr_fmt(fmt), ##__VA_ARGS__)
#define pr_devel(fmt, ...)	no_printk(KERN_DEBUG pr_fmt(fmt), ##__VA_ARGS__)
#endif

/* True the first time this place is reached. */
#define __first_time() ({						\
	static bool __reached;						\
	!__reached && !__atomic_exchange_n(&__reached, 1, __ATOMIC_RELAXED); })

#define __print_once(call) ({			\
	bool __first = __first_time();		\
	if (__first)				\
		call;				\
	unlikely(__first); })

#define printk_once(fmt, ...)	 __print_once(printk(fmt, ##__VA_ARGS__))
#define pr_emerg_once(fmt, ...)	 __print_once(pr_emerg(fmt, ##__VA_ARGS__))
#define pr_alert_once(fmt, ...)	 __print_once(pr_alert(fmt, ##__VA_ARGS__))
#define pr_crit_once(fmt, ...)	 __print_once(pr_crit(fmt, ##__VA_ARGS__))
#define pr_err_once(fmt, ...)	 __print_once(pr_err(fmt, ##__VA_ARGS__))
#define pr_warn_once(fmt, ...)	 __print_once(pr_warn(fmt, ##__VA_ARGS__))
#define pr_notice_once(fmt, ...) __print_once(pr_notice(fmt, ##__VA_ARGS__))
#define pr_info_once(fmt, ...)	 __print_once(pr_info(fmt, ##__VA_ARGS__))
#define pr_debug_once(fmt, ...)	 __print_once(pr_debug(fmt, ##__VA_ARGS__))
#define pr_devel_once(fmt, ...)	 __print_once(pr_devel(fmt, ##__VA_ARGS__))

#define __print_ratelimited(call) ({					\
	static DEFINE_RATELIMIT_STATE(__rs, DEFAULT_RATELIMIT_INTERVAL,	\
				      DEFAULT_RATELIMIT_BURST);		\
	if (__ratelimit(&__rs))						\
		call;							\
	})

#define printk_ratelimited(fmt, ...)	__print_ratelimited(printk(fmt, ##__VA_ARGS__))
#define pr_emerg_ratelimited(fmt, ...)	__print_ratelimited(pr_emerg(fmt, ##__VA_ARGS__))
#define pr_alert_ratelimited(fmt, ...)	__print_ratelimited(pr_alert(fmt, ##__VA_ARGS__))
#define pr_crit_ratelimited(fmt, ...)	__print_ratelimited(pr_crit(fmt, ##__VA_ARGS__))
#define pr_err_ratelimited(fmt, ...)	__print_ratelimited(pr_err(fmt, ##__VA_ARGS__))
#define pr_warn_ratelimited(fmt, ...)	__print_ratelimited(pr_warn(fmt, ##__VA_ARGS__))
#define pr_notice_ratelimited(fmt, ...)	__print_ratelimited(pr_notice(fmt, ##__VA_ARGS__))
#define pr_info_ratelimited(fmt, ...)	__print_ratelimited(pr_info(fmt, ##__VA_ARGS__))
#ifdef DEBUG
#define pr_debug_ratelimited(fmt, ...)	__print_ratelimited(pr_debug(fmt, ##__VA_ARGS__))
#else
#define pr_debug_ratelimited(fmt, ...)	pr_debug(fmt, ##__VA_ARGS__)
#endif
#define pr_devel_ratelimited(fmt, ...)	pr_debug_ratelimited(fmt, ##__VA_ARGS__)

enum {
	DUMP_PREFIX_NONE,
	DUMP_PREFIX_ADDRESS,
	DUMP_PREFIX_OFFSET
};

extern void print_hex_dump(const char *level, const char *prefix_str,
			   int prefix_type, int rowsize, int groupsize,
			   const void *buf, size_t len, bool ascii);
extern int hex_dump_to_buffer(const void *buf, size_t len, int rowsize,
			      int groupsize, char *linebuf, size_t linebuflen,
			      bool ascii);

#ifdef DEBUG
#define print_hex_dump_debug(prefix, type, rowsize, groupsize, buf, len, ascii) \
	print_hex_dump(KERN_DEBUG, prefix, type, rowsize, groupsize, buf, len, ascii)
#else
#define print_hex_dump_debug(prefix, type, rowsize, groupsize, buf, len, ascii) \
	do { (void)(buf); (void)(len); } while (0)
#endif
#define print_hex_dump_bytes(prefix, type, buf, len) \
	print_hex_dump_debug(prefix, type, 16, 1, buf, len, true)

/* The argument of %pV. */
struct va_format {
	const char *fmt;
	va_list *va;
};

#endif
