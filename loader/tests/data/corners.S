/* What a compiler emits seldom, written by hand. */
	.globl	absolute_number
	.set	absolute_number, 0x1234
	.text
	.globl	distance64
	.type	distance64, @function
distance64:
	leaq	field(%rip), %rax
	addq	field(%rip), %rax
	ret
	.size	distance64, . - distance64

	.globl	plain_call
	.type	plain_call, @function
plain_call:
	subq	$8, %rsp
	call	outside_add@PLT
	addq	$8, %rsp
	ret
	.size	plain_call, . - plain_call

	.globl	got_immediate
	.type	got_immediate, @function
got_immediate:
	xorl	%eax, %eax
	cmpq	$0, nobody@GOTPCREL(%rip)
	sete	%al
	ret
	.size	got_immediate, . - got_immediate
	.weak	nobody

	.globl	number
	.type	number, @function
number:
	movq	number_word(%rip), %rax
	ret
	.size	number, . - number

	.data
	.balign	8
field:	.quad	target - .
number_word:
	.quad	absolute_number + 1
	.reloc	., R_X86_64_NONE, field
	.balign	16384
	.globl	target
	.type	target, @object
target:	.quad	0x600d
	.size	target, 8

	.section .init_array.00200,"aw",@init_array
	.quad	plain_call
	.section .init_array,"aw",@init_array
	.quad	0
	.quad	distance64
	.section .init_array.00099,"aw",@init_array
	.quad	number
	.section .note.GNU-stack,"",@progbits
