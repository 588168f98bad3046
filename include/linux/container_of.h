/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_CONTAINER_OF_H
#define _KTHREADS_LINUX_CONTAINER_OF_H

#include <linux/compiler.h>

#define typeof_member(type, member) __typeof__(((type *)0)->member)

/* The object of type @type whose @member is at @ptr. */
#define container_of(ptr, type, member) ({				\
	void *__member_at = (void *)(ptr);				\
	_Static_assert(__same_type(*(ptr), ((type *)0)->member) ||	\
		       __same_type(*(ptr), void),			\
		       "container_of: pointer is not of the member's type"); \
	(type *)(__member_at - offsetof(type, member)); })

#define container_of_const(ptr, type, member)	container_of(ptr, type, member)

#endif
