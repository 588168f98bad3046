/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_EXPORT_H
#define _KTHREADS_LINUX_EXPORT_H

#include <linux/compiler.h>
#include <linux/stringify.h>

#ifndef KBUILD_MODNAME
#define KBUILD_MODNAME	"module"
#endif

struct module;
extern struct module __this_module;
#define THIS_MODULE	(&__this_module)

/* One for each symbol that a module offers to others; the loader reads them. */
struct kernel_symbol {
	const char *name;
	const void *addr;
	unsigned long flags;
};

#define KERNEL_SYMBOL_GPL	1UL

#define __export_symbol(sym, gpl)					\
	static const struct kernel_symbol __ksymtab_##sym		\
		__used __section("__ksymtab") __aligned(8) =		\
		{ #sym, (const void *)&sym, gpl }

#define EXPORT_SYMBOL(sym)		__export_symbol(sym, 0)
#define EXPORT_SYMBOL_GPL(sym)		__export_symbol(sym, KERNEL_SYMBOL_GPL)
#define EXPORT_SYMBOL_NS(sym, ns)	EXPORT_SYMBOL(sym)
#define EXPORT_SYMBOL_NS_GPL(sym, ns)	EXPORT_SYMBOL_GPL(sym)

#endif
