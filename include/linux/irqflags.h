/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _KTHREADS_LINUX_IRQFLAGS_H
#define _KTHREADS_LINUX_IRQFLAGS_H

#include <linux/typecheck.h>
#include <asm/current.h>

/* The saved flags: this bit is set where interrupts were on. */
#define X86_EFLAGS_IF		0x200UL

extern void local_irq_disable(void);
extern void local_irq_enable(void);
extern unsigned long __local_irq_save(void);
extern void __local_irq_restore(unsigned long flags);

#define irqs_disabled()		(READ_ONCE(current->__irqs_off) != 0)
#define irqs_disabled_flags(flags) (!((flags) & X86_EFLAGS_IF))

#define local_irq_save(flags) do {		\
	typecheck(unsigned long, flags);	\
	flags = __local_irq_save();		\
} while (0)

#define local_irq_restore(flags) do {		\
	typecheck(unsigned long, flags);	\
	__local_irq_restore(flags);		\
} while (0)

#define local_save_flags(flags) do {			\
	typecheck(unsigned long, flags);		\
	flags = irqs_disabled() ? 0 : X86_EFLAGS_IF;	\
} while (0)

#define raw_local_irq_disable()		local_irq_disable()
#define raw_local_irq_enable()		local_irq_enable()
#define raw_local_irq_save(flags)	local_irq_save(flags)
#define raw_local_irq_restore(flags)	local_irq_restore(flags)
#define raw_irqs_disabled()		irqs_disabled()

#endif
