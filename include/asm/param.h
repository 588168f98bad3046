/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_ASM_PARAM_H
#define _KTHREADS_ASM_PARAM_H

#define HZ		250
#define USER_HZ		100
#define EXEC_PAGESIZE	4096

#endif
