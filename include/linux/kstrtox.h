/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_KSTRTOX_H
#define _KTHREADS_LINUX_KSTRTOX_H

#include <linux/types.h>

/* 0, -EINVAL for what is no number, -ERANGE for one that does not fit. */
extern int __must_check kstrtoull(const char *s, unsigned int base,
				  unsigned long long *res);
extern int __must_check kstrtoll(const char *s, unsigned int base, long long *res);
extern int __must_check kstrtouint(const char *s, unsigned int base,
				   unsigned int *res);
extern int __must_check kstrtoint(const char *s, unsigned int base, int *res);
extern int __must_check kstrtou16(const char *s, unsigned int base, u16 *res);
extern int __must_check kstrtos16(const char *s, unsigned int base, s16 *res);
extern int __must_check kstrtou8(const char *s, unsigned int base, u8 *res);
extern int __must_check kstrtos8(const char *s, unsigned int base, s8 *res);
extern int __must_check kstrtobool(const char *s, bool *res);

extern unsigned long long simple_strtoull(const char *s, char **end,
					  unsigned int base);
extern long long simple_strtoll(const char *s, char **end, unsigned int base);

static inline int __must_check kstrtoul(const char *s, unsigned int base,
					unsigned long *res)
{
	return kstrtoull(s, base, (unsigned long long *)res);
}

static inline int __must_check kstrtol(const char *s, unsigned int base, long *res)
{
	return kstrtoll(s, base, (long long *)res);
}

static inline int __must_check kstrtou64(const char *s, unsigned int base, u64 *res)
{
	return kstrtoull(s, base, res);
}

static inline int __must_check kstrtos64(const char *s, unsigned int base, s64 *res)
{
	return kstrtoll(s, base, res);
}

static inline int __must_check kstrtou32(const char *s, unsigned int base, u32 *res)
{
	return kstrtouint(s, base, res);
}

static inline int __must_check kstrtos32(const char *s, unsigned int base, s32 *res)
{
	return kstrtoint(s, base, res);
}

static inline unsigned long simple_strtoul(const char *s, char **end,
					   unsigned int base)
{
	return simple_strtoull(s, end, base);
}

static inline long simple_strtol(const char *s, char **end, unsigned int base)
{
	return simple_strtoll(s, end, base);
}

/* The names before 2.6.39 and before 4.19. */
#define strict_strtoul(s, base, res)	kstrtoul(s, base, res)
#define strict_strtol(s, base, res)	kstrtol(s, base, res)
#define strict_strtoull(s, base, res)	kstrtoull(s, base, res)
#define strict_strtoll(s, base, res)	kstrtoll(s, base, res)
#define strtobool(s, res)		kstrtobool(s, res)

#endif
