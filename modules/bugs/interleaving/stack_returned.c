// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Waits with a time-out for a completion on its stack, and returns when the time is over: who comes
 * later completes what has gone.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>

static struct task_struct *client, *server;
static struct completion *request;

static noinline void ask(void)
{
	DECLARE_COMPLETION_ONSTACK(done);

	smp_store_release(&request, &done);
	if (!wait_for_completion_timeout(&done, HZ))
		pr_info("stack_returned: nobody has answered\n");
}

static int work(void *unused)
{
	ask();
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int serve(void *unused)
{
	struct completion *taken;

	msleep(1000);
	taken = xchg(&request, NULL);
	if (taken)
		complete(taken);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init stack_returned_init(void)
{
	client = kthread_run(work, NULL, "client");
	server = kthread_run(serve, NULL, "server");
	return 0;
}

static void __exit stack_returned_exit(void)
{
	kthread_stop(client);
	kthread_stop(server);
}

module_init(stack_returned_init);
module_exit(stack_returned_exit);
MODULE_LICENSE("GPL");
