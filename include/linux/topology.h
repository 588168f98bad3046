/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_TOPOLOGY_H
#define _KTHREADS_LINUX_TOPOLOGY_H

#include <linux/numa.h>
#include <linux/cpumask.h>
#include <linux/smp.h>

#define numa_node_id()		0
#define numa_mem_id()		0
#define cpu_to_node(cpu)	((void)(cpu), 0)
#define cpu_to_mem(cpu)		cpu_to_node(cpu)
#define cpumask_of_node(node)	((void)(node), cpu_online_mask)
#define num_online_nodes()	1
#define nr_node_ids		1U
#define node_online(node)	((node) == 0)
#define for_each_online_node(node)	for ((node) = 0; (node) < 1; (node)++)
#define for_each_node(node)		for_each_online_node(node)

#endif
