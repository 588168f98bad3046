// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A server takes a request back after it has answered it: another one that comes between the two is
 * lost, and who made it waits for ever, while the rest goes on.
 */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/module.h>

static struct task_struct *server, *client;
static DECLARE_COMPLETION(answered);
static int wanted;

static int serve(void *unused)
{
	while (!kthread_should_stop()) {
		if (READ_ONCE(wanted)) {
			WRITE_ONCE(wanted, 0);
			complete(&answered);
		}
		schedule_timeout_interruptible(HZ);
	}
	return 0;
}

static int ask(void *unused)
{
	int i;

	for (i = 0; i < 2; i++) {
		WRITE_ONCE(wanted, 1);
		wait_for_completion(&answered);
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int __init lost_request_init(void)
{
	server = kthread_run(serve, NULL, "server");
	client = kthread_run(ask, NULL, "client");
	return 0;
}

static void __exit lost_request_exit(void)
{
	kthread_stop(client);
	kthread_stop(server);
}

module_init(lost_request_init);
module_exit(lost_request_exit);
MODULE_LICENSE("GPL");
