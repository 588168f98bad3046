/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_LIMITS_H
#define _KTHREADS_LINUX_LIMITS_H

#define SCHAR_MAX	127
#define CHAR_BIT	8
#define SHRT_MAX	((short)0x7fff)
#define SHRT_MIN	((short)-SHRT_MAX - 1)
#define USHRT_MAX	((unsigned short)~0U)
#define INT_MAX		((int)(~0U >> 1))
#define INT_MIN		(-INT_MAX - 1)
#define UINT_MAX	(~0U)
#define LONG_MAX	((long)(~0UL >> 1))
#define LONG_MIN	(-LONG_MAX - 1)
#define ULONG_MAX	(~0UL)
#define LLONG_MAX	((long long)(~0ULL >> 1))
#define LLONG_MIN	(-LLONG_MAX - 1)
#define ULLONG_MAX	(~0ULL)
#define SIZE_MAX	(~(unsigned long)0)
#define SSIZE_MAX	((long)(SIZE_MAX >> 1))
#define U8_MAX		((unsigned char)~0U)
#define S8_MAX		((signed char)(U8_MAX >> 1))
#define S8_MIN		((signed char)(-S8_MAX - 1))
#define U16_MAX		((unsigned short)~0U)
#define S16_MAX		((short)(U16_MAX >> 1))
#define S16_MIN		((short)(-S16_MAX - 1))
#define U32_MAX		(~0U)
#define S32_MAX		((int)(U32_MAX >> 1))
#define S32_MIN		(-S32_MAX - 1)
#define U64_MAX		(~0ULL)
#define S64_MAX		((long long)(U64_MAX >> 1))
#define S64_MIN		(-S64_MAX - 1)
#define PATH_MAX	4096
#define NAME_MAX	255

#endif
