/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_SMP_H
#define _KTHREADS_LINUX_SMP_H

#include <linux/errno.h>
#include <linux/types.h>
#include <linux/list.h>
#include <linux/cpumask.h>
#include <linux/preempt.h>
#include <linux/thread_info.h>

/* Without preemption off, the answer may be out of date at once. */
#define raw_smp_processor_id()	READ_ONCE(READ_ONCE(current->__cpu)->number)
#define smp_processor_id()	raw_smp_processor_id()
#define __smp_processor_id()	raw_smp_processor_id()

#define get_cpu()		({ preempt_disable(); smp_processor_id(); })
#define put_cpu()		preempt_enable()

#endif
