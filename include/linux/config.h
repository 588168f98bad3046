/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_CONFIG_H
#define _KTHREADS_LINUX_CONFIG_H

#include <linux/kconfig.h>

#endif
