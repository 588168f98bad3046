/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_VERSION_H
#define _KTHREADS_LINUX_VERSION_H

#define LINUX_VERSION_MAJOR		6
#define LINUX_VERSION_PATCHLEVEL	1
#define LINUX_VERSION_SUBLEVEL		192
#define KERNEL_VERSION(a, b, c) \
	(((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
#define LINUX_VERSION_CODE		KERNEL_VERSION(6, 1, 192)

#endif
