// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Two numbers that could be a spin lock that the freeing task holds: it holds none.
 */
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

static int __init looks_like_lock_init(void)
{
	int *numbers = kmalloc(2 * sizeof(*numbers), GFP_KERNEL);

	if (!numbers)
		return -ENOMEM;
	numbers[0] = 1;
	numbers[1] = current->pid + 1;
	preempt_disable();
	kfree(numbers);
	preempt_enable();
	return 0;
}

static void __exit looks_like_lock_exit(void)
{
}

module_init(looks_like_lock_init);
module_exit(looks_like_lock_exit);
