/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_TYPES_H
#define _KTHREADS_LINUX_TYPES_H

#include <linux/compiler.h>
#include <linux/stddef.h>

typedef signed char		__s8;
typedef unsigned char		__u8;
typedef short			__s16;
typedef unsigned short		__u16;
typedef int			__s32;
typedef unsigned int		__u32;
typedef long long		__s64;
typedef unsigned long long	__u64;

typedef __s8			s8;
typedef __u8			u8;
typedef __s16			s16;
typedef __u16			u16;
typedef __s32			s32;
typedef __u32			u32;
typedef __s64			s64;
typedef __u64			u64;

typedef s8			int8_t;
typedef u8			uint8_t;
typedef s16			int16_t;
typedef u16			uint16_t;
typedef s32			int32_t;
typedef u32			uint32_t;
typedef s64			int64_t;
typedef u64			uint64_t;
typedef u8			u_int8_t;
typedef u16			u_int16_t;
typedef u32			u_int32_t;
typedef u64			u_int64_t;

typedef unsigned char		unchar;
typedef unsigned char		u_char;
typedef unsigned short		u_short;
typedef unsigned short		ushort;
typedef unsigned int		u_int;
typedef unsigned int		uint;
typedef unsigned long		u_long;
typedef unsigned long		ulong;

typedef _Bool			bool;
enum { false = 0, true = 1 };

typedef __SIZE_TYPE__		size_t;
typedef long			ssize_t;
typedef __PTRDIFF_TYPE__	ptrdiff_t;
typedef long			intptr_t;
typedef unsigned long		uintptr_t;
typedef long			__kernel_long_t;
typedef unsigned long		__kernel_ulong_t;

typedef int			pid_t;
typedef unsigned int		uid_t;
typedef unsigned int		gid_t;
typedef unsigned short		umode_t;
typedef unsigned int		mode_t;
typedef unsigned int		dev_t;
typedef long long		loff_t;
typedef long			off_t;
typedef int			clockid_t;
typedef long			clock_t;
typedef long long		time64_t;
typedef long			time_t;
typedef long			suseconds_t;
typedef unsigned long		cycles_t;

typedef u64			phys_addr_t;
typedef u64			resource_size_t;
typedef u64			dma_addr_t;
typedef u64			sector_t;
typedef u16			__le16;
typedef u32			__le32;
typedef u64			__le64;
typedef u16			__be16;
typedef u32			__be32;
typedef u64			__be64;

typedef unsigned int		gfp_t;
typedef unsigned int		slab_flags_t;
typedef unsigned int		fmode_t;

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	s64 counter;
} atomic64_t;

typedef atomic64_t		atomic_long_t;

typedef struct refcount_struct {
	atomic_t refs;
} refcount_t;

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

#define ATOMIC_INIT(i)		{ (i) }
#define ATOMIC64_INIT(i)	{ (i) }
#define ATOMIC_LONG_INIT(i)	{ (i) }

#define BITS_PER_BYTE		8
#define BITS_PER_LONG		64
#define BITS_PER_LONG_LONG	64
#define BITS_PER_TYPE(type)	(sizeof(type) * BITS_PER_BYTE)
#define BITS_TO_LONGS(nr)	(((nr) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]

#endif
