/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_NUMA_H
#define _KTHREADS_LINUX_NUMA_H

/* There is one memory node. */
#define NUMA_NO_NODE	(-1)
#define MAX_NUMNODES	1
#define NODES_SHIFT	0

#endif
