/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_STRING_H
#define _KTHREADS_LINUX_STRING_H

#include <linux/types.h>
#include <linux/errno.h>
#include <linux/stdarg.h>
#include <linux/ctype.h>

extern void *memcpy(void *dst, const void *src, size_t n);
extern void *memmove(void *dst, const void *src, size_t n);
extern void *memset(void *dst, int c, size_t n);
extern int memcmp(const void *a, const void *b, size_t n);
extern void *memchr(const void *s, int c, size_t n);
extern void *memchr_inv(const void *s, int c, size_t n);
extern void *memscan(void *s, int c, size_t n);

extern size_t strlen(const char *s);
extern size_t strnlen(const char *s, size_t n);
extern int strcmp(const char *a, const char *b);
extern int strncmp(const char *a, const char *b, size_t n);
extern int strcasecmp(const char *a, const char *b);
extern int strncasecmp(const char *a, const char *b, size_t n);
extern char *strcpy(char *dst, const char *src);
extern char *strncpy(char *dst, const char *src, size_t n);
extern size_t strlcpy(char *dst, const char *src, size_t size);
extern ssize_t strscpy(char *dst, const char *src, size_t size);
extern char *strcat(char *dst, const char *src);
extern char *strncat(char *dst, const char *src, size_t n);
extern size_t strlcat(char *dst, const char *src, size_t size);
extern char *strchr(const char *s, int c);
extern char *strrchr(const char *s, int c);
extern char *strchrnul(const char *s, int c);
extern char *strnchr(const char *s, size_t n, int c);
extern char *strstr(const char *s, const char *what);
extern char *strnstr(const char *s, const char *what, size_t n);
extern size_t strspn(const char *s, const char *accept);
extern size_t strcspn(const char *s, const char *reject);
extern char *strpbrk(const char *s, const char *accept);
extern char *strsep(char **s, const char *delimiters);
extern char * __must_check skip_spaces(const char *s);
extern char *strim(char *s);
extern bool sysfs_streq(const char *a, const char *b);
extern int match_string(const char * const *array, size_t n, const char *s);

extern __malloc char *kstrdup(const char *s, gfp_t gfp);
extern __malloc char *kstrndup(const char *s, size_t max, gfp_t gfp);
extern void *kmemdup(const void *src, size_t len, gfp_t gfp);
extern char *kmemdup_nul(const char *s, size_t len, gfp_t gfp);

#define stpcpy(dst, src)	(strcpy(dst, src) + strlen(src))

static inline char *strstrip(char *s)
{
	return strim(s);
}

static inline int strnicmp(const char *a, const char *b, size_t n)
{
	return strncasecmp(a, b, n);
}

static inline size_t str_has_prefix(const char *s, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(s, prefix, len) == 0 ? len : 0;
}

static inline bool strstarts(const char *s, const char *prefix)
{
	return str_has_prefix(s, prefix) || !*prefix;
}

static inline const char *kbasename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* strscpy() that also clears the rest of @dst. */
static inline ssize_t strscpy_pad(char *dst, const char *src, size_t size)
{
	ssize_t len = strscpy(dst, src, size);

	if (len >= 0 && (size_t)len + 1 < size)
		memset(dst + len + 1, 0, size - len - 1);
	return len;
}

static inline char *strreplace(char *s, char old, char new)
{
	for (; *s; s++)
		if (*s == old)
			*s = new;
	return s;
}

/* memset() that the compiler may not drop. */
static inline void memzero_explicit(void *s, size_t n)
{
	memset(s, 0, n);
	barrier_data(s);
}

#endif
