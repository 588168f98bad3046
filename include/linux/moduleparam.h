/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_MODULEPARAM_H
#define _KTHREADS_LINUX_MODULEPARAM_H

#include <linux/init.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/stat.h>

#define MODULE_PARAM_PREFIX

#define __MODULE_INFO(tag, name, info)				\
	static const char __UNIQUE_ID(modinfo)[]			\
		__used __section(".modinfo") __aligned(1) =	\
		__stringify(tag) "=" info
#define __MODULE_PARM_TYPE(name, type) \
	__MODULE_INFO(parmtype, name, #name ":" type)
#define MODULE_PARM_DESC(name, desc) \
	__MODULE_INFO(parm, name, #name ":" desc)

struct kernel_param;

#define KERNEL_PARAM_OPS_FL_NOARG	1
#define KERNEL_PARAM_FL_UNSAFE		1

struct kernel_param_ops {
	unsigned int flags;
	int (*set)(const char *val, const struct kernel_param *kp);
	int (*get)(char *buffer, const struct kernel_param *kp);
	void (*free)(void *arg);
};

struct kparam_string {
	unsigned int maxlen;
	char *string;
};

struct kparam_array {
	unsigned int max;
	unsigned int elemsize;
	unsigned int *num;
	const struct kernel_param_ops *ops;
	void *elem;
};

struct kernel_param {
	const char *name;
	struct module *mod;
	const struct kernel_param_ops *ops;
	const u16 perm;
	s8 level;
	u8 flags;
	union {
		void *arg;
		const struct kparam_string *str;
		const struct kparam_array *arr;
	};
};

/* Readable for the owner if for the group, and so on; nobody else may write. */
#define VERIFY_OCTAL_PERMISSIONS(perms)					\
	(BUILD_BUG_ON_ZERO((perms) < 0) +				\
	 BUILD_BUG_ON_ZERO((perms) > 0777) +				\
	 BUILD_BUG_ON_ZERO((((perms) >> 6) & 4) < (((perms) >> 3) & 4)) + \
	 BUILD_BUG_ON_ZERO((((perms) >> 3) & 4) < ((perms) & 4)) +	\
	 BUILD_BUG_ON_ZERO((((perms) >> 6) & 2) < (((perms) >> 3) & 2)) + \
	 BUILD_BUG_ON_ZERO((perms) & 2) +				\
	 (perms))

#define __kernel_param(name_, ops_, perm_, level_, flags_, ...)		\
	static const char __param_str_##name_[] = #name_;		\
	static const struct kernel_param __param_##name_		\
		__used __section("__param") __aligned(8) = {		\
			.name = __param_str_##name_,			\
			.mod = THIS_MODULE,				\
			.ops = ops_,					\
			.perm = VERIFY_OCTAL_PERMISSIONS(perm_),	\
			.level = level_,				\
			.flags = flags_,				\
			{ __VA_ARGS__ },				\
		}

/* Warns where the variable is not of the type that was named. */
#define __param_check(name, p, type) \
	static inline type * __always_unused __check_##name(void) { return (p); }

#define module_param(name, type, perm) \
	module_param_named(name, name, type, perm)
#define module_param_named(name, value, type, perm)			\
	param_check_##type(name, &(value));				\
	module_param_cb(name, &param_ops_##type, &(value), perm);	\
	__MODULE_PARM_TYPE(name, #type)
#define module_param_unsafe(name, type, perm) \
	module_param_named_unsafe(name, name, type, perm)
#define module_param_named_unsafe(name, value, type, perm)		\
	param_check_##type(name, &(value));				\
	module_param_cb_unsafe(name, &param_ops_##type, &(value), perm); \
	__MODULE_PARM_TYPE(name, #type)
#define module_param_cb(name, ops, value, perm_) \
	__kernel_param(name, ops, perm_, -1, 0, .arg = (void *)(value))
#define module_param_cb_unsafe(name, ops, value, perm_) \
	__kernel_param(name, ops, perm_, -1, KERNEL_PARAM_FL_UNSAFE, \
		       .arg = (void *)(value))
#define module_param_hw(name, type, hwtype, perm) module_param(name, type, perm)
#define module_param_call(name, set_fn, get_fn, value, perm)		\
	static const struct kernel_param_ops __param_ops_##name =	\
		{ .set = (set_fn), .get = (get_fn) };			\
	module_param_cb(name, &__param_ops_##name, value, perm)

#define module_param_array(name, type, nump, perm) \
	module_param_array_named(name, name, type, nump, perm)
#define module_param_array_named(name, array, type, nump, perm_)	\
	param_check_##type(name, &(array)[0]);				\
	static const struct kparam_array __param_arr_##name = {	\
		.max = ARRAY_SIZE(array), .elemsize = sizeof((array)[0]), \
		.num = nump, .ops = &param_ops_##type, .elem = array,	\
	};								\
	__kernel_param(name, &param_array_ops, perm_, -1, 0,		\
		       .arr = &__param_arr_##name);			\
	__MODULE_PARM_TYPE(name, "array of " #type)
#define module_param_hw_array(name, type, hwtype, nump, perm) \
	module_param_array(name, type, nump, perm)
#define module_param_string(name, string_, len, perm_)			\
	static const struct kparam_string __param_string_##name =	\
		{ len, string_ };					\
	__kernel_param(name, &param_ops_string, perm_, -1, 0,		\
		       .str = &__param_string_##name);			\
	__MODULE_PARM_TYPE(name, "string")

#define __declare_param_type(type)					\
	extern const struct kernel_param_ops param_ops_##type;		\
	extern int param_set_##type(const char *val, const struct kernel_param *kp); \
	extern int param_get_##type(char *buffer, const struct kernel_param *kp)

__declare_param_type(byte);
__declare_param_type(short);
__declare_param_type(ushort);
__declare_param_type(int);
__declare_param_type(uint);
__declare_param_type(long);
__declare_param_type(ulong);
__declare_param_type(ullong);
__declare_param_type(hexint);
__declare_param_type(charp);
__declare_param_type(bool);
__declare_param_type(invbool);
__declare_param_type(bint);
extern void param_free_charp(void *arg);
extern const struct kernel_param_ops param_ops_string;
extern const struct kernel_param_ops param_array_ops;
extern int param_set_copystring(const char *val, const struct kernel_param *kp);
extern int param_get_string(char *buffer, const struct kernel_param *kp);

#define param_check_byte(name, p)	__param_check(name, p, unsigned char)
#define param_check_short(name, p)	__param_check(name, p, short)
#define param_check_ushort(name, p)	__param_check(name, p, unsigned short)
#define param_check_int(name, p)	__param_check(name, p, int)
#define param_check_uint(name, p)	__param_check(name, p, unsigned int)
#define param_check_hexint(name, p)	__param_check(name, p, unsigned int)
#define param_check_long(name, p)	__param_check(name, p, long)
#define param_check_ulong(name, p)	__param_check(name, p, unsigned long)
#define param_check_ullong(name, p)	__param_check(name, p, unsigned long long)
#define param_check_charp(name, p)	__param_check(name, p, char *)
#define param_check_bool(name, p)	__param_check(name, p, bool)
#define param_check_invbool(name, p)	__param_check(name, p, bool)
#define param_check_bint(name, p)	__param_check(name, p, int)

#endif
