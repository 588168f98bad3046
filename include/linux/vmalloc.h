/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_VMALLOC_H
#define _KTHREADS_LINUX_VMALLOC_H

#include <linux/types.h>
#include <linux/overflow.h>

extern __malloc void *vmalloc(unsigned long size);
extern __malloc void *vzalloc(unsigned long size);
extern void vfree(const void *p);

#define vmalloc_node(size, node)	vmalloc(size)
#define vzalloc_node(size, node)	vzalloc(size)
#define vmalloc_array(n, size)		vmalloc(array_size(n, size))
#define vcalloc(n, size)		vzalloc(array_size(n, size))

#endif
