// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread with too much to say: rate limits, messages said once, continued lines.
 *
 * log: noisy: this is said once
 * log: noisy: burst 0
 * log: noisy: burst 1
 * log: noisy: burst 2
 * log: callbacks suppressed
 * log: noisy: parts: 0 1 2 end
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>

static DEFINE_RATELIMIT_STATE(limit, HZ, 3);
static struct task_struct *talker;

static int talk(void *unused)
{
	unsigned int i;

	for (i = 0; !kthread_should_stop(); i++) {
		pr_warn_once("this is said once\n");
		if (__ratelimit(&limit))
			pr_info("burst %u\n", i);
		pr_err_ratelimited("trouble %u\n", i);
		msleep(20);
	}
	return 0;
}

static int __init noisy_init(void)
{
	talker = kthread_run(talk, NULL, "talker");
	return PTR_ERR_OR_ZERO(talker);
}

static void __exit noisy_exit(void)
{
	int i;

	kthread_stop(talker);
	pr_info("parts:");
	for (i = 0; i < 3; i++)
		pr_cont(" %d", i);
	pr_cont(" end\n");
}

module_init(noisy_init);
module_exit(noisy_exit);
MODULE_LICENSE("GPL");
