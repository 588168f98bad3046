/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_INIT_H
#define _KTHREADS_LINUX_INIT_H

#include <linux/compiler.h>
#include <linux/types.h>

typedef int (*initcall_t)(void);
typedef void (*exitcall_t)(void);

/* The loader gives the .init sections back once the module has started. */
#define __init		__section(".init.text")
#define __initdata	__section(".init.data")
#define __initconst	__section(".init.rodata")
#define __exit		__section(".exit.text")
#define __exitdata	__section(".exit.data")
#define __init_or_module
#define __initdata_or_module
#define __initconst_or_module
#define __ref
#define __refdata
#define __meminit
#define __devinit
#define __devexit
#define __devinitdata
#define __devexit_p(x)	x
#define __cpuinit
#define __cpuinitdata
#define __exit_p(x)	x

#endif
