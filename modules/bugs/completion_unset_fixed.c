// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A completion is waited for that nobody has initialised.
 */
#include <linux/completion.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

MODULE_LICENSE("Dual MIT/GPL");

static struct completion *done;

static int __init completion_unset_init(void)
{
	done = kzalloc(sizeof(*done), GFP_KERNEL);
	if (!done)
		return -ENOMEM;
	init_completion(done);
	complete(done);
	wait_for_completion(done);
	return 0;
}

static void __exit completion_unset_exit(void)
{
	kfree(done);
}

module_init(completion_unset_init);
module_exit(completion_unset_exit);
