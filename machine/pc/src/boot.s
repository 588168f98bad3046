/* From the loader's jump to Rust: for the boot processor by the PVH protocol, for the others by
 * the start-up interrupt. Both end in long_mode, which calls boot_entry on boot_stack.
 *
 * Labels of .boot are physical addresses; all others are in the top 2 GiB.
 */

/* The PVH note: type 18, the 32-bit physical address to start at. The loader reads 8 bytes. */
.section .note.pvh, "a", @note
.align 4
  .long 4, 8, 18
  .asciz "Xen"
  .quad pvh_start

.section .boot, "awx", @progbits
.code32
.globl pvh_start
pvh_start:
  cli
  cld
  movl $boot_low_stack_top, %esp
  movl %ebx, boot_start_info
  rdtsc
  movl %eax, boot_tsc
  movl %edx, boot_tsc+4

  /* The first 4 GiB in pages of 2 MiB, three times: where they are (until the tables of
   * paging.rs), at PHYSICAL_BASE (slot 256) and in the top 2 GiB (slot 511). */
  movl $(boot_pdpt_low + 3), boot_pml4
  movl $(boot_pdpt_low + 3), boot_pml4+256*8
  movl $(boot_pdpt_high + 3), boot_pml4+511*8
  movl $(boot_pd + 0x0003), boot_pdpt_low
  movl $(boot_pd + 0x1003), boot_pdpt_low+8
  movl $(boot_pd + 0x2003), boot_pdpt_low+16
  movl $(boot_pd + 0x3003), boot_pdpt_low+24
  movl $(boot_pd + 0x0003), boot_pdpt_high+510*8
  movl $(boot_pd + 0x1003), boot_pdpt_high+511*8
  movl $boot_pd, %edi
  movl $0x83, %eax
  movl $2048, %ecx
1:
  movl %eax, (%edi)
  addl $8, %edi
  addl $0x200000, %eax
  decl %ecx
  jnz 1b

.globl protected_mode
protected_mode:
  movw $0x18, %ax
  lgdtl boot_gdt_pointer
  movl %cr4, %eax
  orl $0xa0, %eax          /* PAE PGE */
  movl %eax, %cr4
  movl $boot_pml4, %eax
  movl %eax, %cr3
  movl $0xc0000080, %ecx   /* EFER: LME NXE */
  rdmsr
  orl $0x900, %eax
  wrmsr
  movl %cr0, %eax
  orl $0x80010021, %eax    /* PG WP NE PE */
  movl %eax, %cr0
  ljmpl $0x10, $1f
.code64
1:
  movw $0x18, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  xorl %eax, %eax
  movw %ax, %fs
  movw %ax, %gs
  movabsq $long_mode, %rax
  jmp *%rax

.align 8
boot_gdt:
  .quad 0
  .quad 0x00cf9a000000ffff   /* 0x08: 32-bit code */
  .quad 0x00af9a000000ffff   /* 0x10: 64-bit code */
  .quad 0x00cf92000000ffff   /* 0x18: data */
boot_gdt_pointer:
  .word 31
  .long boot_gdt
.globl boot_start_info, boot_tsc
.align 8
boot_start_info: .quad 0
boot_tsc: .quad 0

.section .boot.bss, "aw", @nobits
.align 4096
.globl boot_pml4
boot_pml4: .skip 4096
boot_pdpt_low: .skip 4096
boot_pdpt_high: .skip 4096
boot_pd: .skip 4096*4
.skip 1024
boot_low_stack_top:

.section .bss, "aw", @nobits
.align 16
boot_stack: .skip 65536
boot_stack_top:

.section .data
.align 8
/* What the next processor starts on, and where; the boot processor changes them for the others. */
.globl entry_stack, entry_function
entry_stack: .quad boot_stack_top
entry_function: .quad boot_entry

.section .text
long_mode:
  movq entry_stack(%rip), %rsp
  xorl %ebp, %ebp
  callq *entry_function(%rip)
  ud2

/* Copied to TRAMPOLINE (0x8000): where the start-up interrupt sends the other processors. */
.section .rodata
.globl trampoline_start, trampoline_end
.code16
trampoline_start:
  cli
  cld
  xorw %ax, %ax
  movw %ax, %ds
  lgdtl (0x8000 + trampoline_gdt_pointer - trampoline_start)
  movl %cr0, %eax
  orl $1, %eax
  movl %eax, %cr0
  ljmpl $0x08, $(0x8000 + trampoline_32 - trampoline_start)
.code32
trampoline_32:
  movw $0x18, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movl $protected_mode, %eax
  jmp *%eax
trampoline_gdt_pointer:
  .word 31
  .long boot_gdt
trampoline_end:
.code64

/* One entry point a vector, 16 bytes apart: pushes the vector behind an error code (0 where the
 * processor pushes none). Exceptions come on a stack of their own (see segments.rs), interrupts
 * on the stack of who is interrupted: nothing here uses a red zone. */
.section .text
.align 16
.globl vector_stubs
vector_stubs:
.set vector, 0
.rept 256
  .balign 16
  .if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
  .else
  pushq $0
  .endif
  pushq $vector
  .if vector < 32
  jmp exception_common
  .else
  jmp interrupt_common
  .endif
  .set vector, vector+1
.endr

/* The frame of traps.rs, from high to low addresses: ss rsp rflags cs rip error vector, then the
 * registers. 22 words: the stack is 16-byte aligned at the call, as the processor aligned it. */
.macro save_registers
  pushq %rbp
  pushq %rax
  pushq %rbx
  pushq %rcx
  pushq %rdx
  pushq %rsi
  pushq %rdi
  pushq %r8
  pushq %r9
  pushq %r10
  pushq %r11
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  cld
.endm
.macro restore_registers
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %r11
  popq %r10
  popq %r9
  popq %r8
  popq %rdi
  popq %rsi
  popq %rdx
  popq %rcx
  popq %rbx
  popq %rax
  popq %rbp
  addq $16, %rsp
.endm

exception_common:
  save_registers
  movq %rsp, %rdi
  callq pc_exception
  restore_registers
  iretq

interrupt_common:
  save_registers
  movq %rsp, %rdi
  /* A frame record, so that a back trace leads from here to who was interrupted. */
  pushq 136(%rdi)
  pushq %rbp
  movq %rsp, %rbp
  callq pc_interrupt
  movq %rbp, %rsp
  addq $16, %rsp
  restore_registers
  iretq
