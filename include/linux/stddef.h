/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_STDDEF_H
#define _KTHREADS_LINUX_STDDEF_H

#include <linux/compiler.h>

#ifndef NULL
#define NULL ((void *)0)
#endif

#define struct_group(name, members...) \
	union { struct { members }; struct { members } name; }

#endif
