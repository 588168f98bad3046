/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_TYPECHECK_H
#define _KTHREADS_LINUX_TYPECHECK_H

/* Warns when @x is not of type @type; its value is 1. */
#define typecheck(type, x) ({			\
	type __want;				\
	__typeof__(x) __have;			\
	(void)(&__want == &__have);		\
	1; })

#define typecheck_fn(type, fn) ({		\
	__typeof__(type) __want = fn;		\
	(void)__want; })

#endif
