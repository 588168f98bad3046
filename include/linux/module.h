/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_MODULE_H
#define _KTHREADS_LINUX_MODULE_H

#include <linux/list.h>
#include <linux/stat.h>
#include <linux/init.h>
#include <linux/export.h>
#include <linux/errno.h>
#include <linux/err.h>
#include <linux/string.h>
#include <linux/stringify.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/sched.h>

#define MODULE_NAME_LEN	56

enum module_state {
	MODULE_STATE_LIVE,
	MODULE_STATE_COMING,
	MODULE_STATE_GOING,
	MODULE_STATE_UNFORMED,
};

/* The part of a module that modules see. */
struct module {
	enum module_state state;
	char name[MODULE_NAME_LEN];
};

extern int init_module(void);
extern void cleanup_module(void);

extern bool try_module_get(struct module *mod);
extern void module_put(struct module *mod);
extern void __module_get(struct module *mod);
extern int module_refcount(struct module *mod);
extern void __noreturn __module_put_and_kthread_exit(struct module *mod, long code);

#define module_put_and_kthread_exit(code) \
	__module_put_and_kthread_exit(THIS_MODULE, code)
#define module_put_and_exit(code)	module_put_and_kthread_exit(code)
#define __module_put_and_exit(mod, code) __module_put_and_kthread_exit(mod, code)

static inline const char *module_name(const struct module *mod)
{
	return mod ? mod->name : "kernel";
}

static inline bool module_is_live(const struct module *mod)
{
	return READ_ONCE(mod->state) != MODULE_STATE_GOING;
}

#define module_init(initfn)						\
	static inline initcall_t __maybe_unused __init_type(void)		\
	{ return initfn; }						\
	int init_module(void) __attribute__((alias(#initfn)))
#define module_exit(exitfn)						\
	static inline exitcall_t __maybe_unused __exit_type(void)	\
	{ return exitfn; }						\
	void cleanup_module(void) __attribute__((alias(#exitfn)))

/* In a module, every kind of initcall is the one that it has. */
#define early_initcall(fn)		module_init(fn)
#define core_initcall(fn)		module_init(fn)
#define core_initcall_sync(fn)		module_init(fn)
#define postcore_initcall(fn)		module_init(fn)
#define arch_initcall(fn)		module_init(fn)
#define subsys_initcall(fn)		module_init(fn)
#define subsys_initcall_sync(fn)	module_init(fn)
#define fs_initcall(fn)			module_init(fn)
#define rootfs_initcall(fn)		module_init(fn)
#define device_initcall(fn)		module_init(fn)
#define late_initcall(fn)		module_init(fn)
#define late_initcall_sync(fn)		module_init(fn)
#define console_initcall(fn)		module_init(fn)

#define MODULE_INFO(tag, info)		__MODULE_INFO(tag, tag, info)
#define MODULE_LICENSE(text)		MODULE_INFO(license, text)
#define MODULE_AUTHOR(text)		MODULE_INFO(author, text)
#define MODULE_DESCRIPTION(text)	MODULE_INFO(description, text)
#define MODULE_VERSION(text)		MODULE_INFO(version, text)
#define MODULE_ALIAS(text)		MODULE_INFO(alias, text)
#define MODULE_SOFTDEP(dep)		MODULE_INFO(softdep, dep)
#define MODULE_FIRMWARE(file)		MODULE_INFO(firmware, file)
#define MODULE_IMPORT_NS(ns)		MODULE_INFO(import_ns, __stringify(ns))
#define MODULE_SUPPORTED_DEVICE(name)
#define MODULE_DEVICE_TABLE(type, name) \
	static const void * const __UNIQUE_ID(device_table) __used = &name

#endif
