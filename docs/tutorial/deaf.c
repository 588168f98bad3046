// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * WRONG ON PURPOSE: the handler waits for a completion in a way that kthread_stop() does not end,
 * so rmmod waits for whoever completes next.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/timer.h>

MODULE_LICENSE("Dual MIT/GPL");

static DECLARE_COMPLETION(done);
static struct task_struct *handler;

static void ring(struct timer_list *timer)
{
	pr_info("deaf: complete()\n");
	complete(&done);
	mod_timer(timer, jiffies + 10 * HZ);
}

static DEFINE_TIMER(bell, ring);

static int handle(void *unused)
{
	while (!kthread_should_stop()) {
		wait_for_completion(&done);
		pr_info("deaf: the handler was woken\n");
	}
	return 0;
}

static int __init deaf_init(void)
{
	handler = kthread_run(handle, NULL, "handler");
	if (IS_ERR(handler))
		return PTR_ERR(handler);
	mod_timer(&bell, jiffies + 10 * HZ);
	return 0;
}

static void __exit deaf_exit(void)
{
	pr_info("deaf: rmmod calls kthread_stop()\n");
	kthread_stop(handler);
	pr_info("deaf: kthread_stop() came back\n");
	del_timer_sync(&bell);
}

module_init(deaf_init);
module_exit(deaf_exit);
