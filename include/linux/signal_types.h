/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_SIGNAL_TYPES_H
#define _KTHREADS_LINUX_SIGNAL_TYPES_H

#include <linux/types.h>
#include <asm/signal.h>

typedef struct kernel_siginfo {
	int si_signo;
	int si_errno;
	int si_code;
	int si_pid;
	unsigned int si_uid;
	int __reserved[27];
} kernel_siginfo_t;

typedef struct kernel_siginfo	siginfo_t;
#define siginfo			kernel_siginfo

#endif
