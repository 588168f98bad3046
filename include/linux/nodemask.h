/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_NODEMASK_H
#define _KTHREADS_LINUX_NODEMASK_H

#include <linux/topology.h>

#endif
