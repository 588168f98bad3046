// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread that takes SIGHUP for "read the settings again" and SIGTERM for "enough", and whoever
 * unloads the module copes with both ends.
 *
 * log: signals: settings read
 * log: signals: settings read again
 * log: signals: SIGUSR1 did nothing
 * log: signals: told to end
 * log: signals: the thread returned 2
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/signal.h>

static struct task_struct *thread;
static int reads;

static void read_settings(void)
{
	pr_info("settings read%s\n", reads++ ? " again" : "");
}

static int serve(void *unused)
{
	bool told = false;

	allow_signal(SIGHUP);
	allow_signal(SIGTERM);
	read_settings();
	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (told || !signal_pending(current))
			schedule();
		__set_current_state(TASK_RUNNING);
		if (!signal_pending(current))
			continue;
		switch (kernel_dequeue_signal()) {
		case SIGHUP:
			read_settings();
			break;
		case SIGTERM:
			pr_info("told to end\n");
			told = true;
			break;
		}
	}
	return reads;
}

static int __init signals_init(void)
{
	thread = kthread_run(serve, NULL, "server");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	msleep(20);
	send_sig(SIGHUP, thread, 1);
	msleep(20);
	/* Nobody allowed this one: it is thrown away. */
	send_sig(SIGUSR1, thread, 1);
	if (!signal_pending(thread))
		pr_info("SIGUSR1 did nothing\n");
	kill_pid(task_pid(thread), SIGTERM, 1);
	return 0;
}

static void __exit signals_exit(void)
{
	pr_info("the thread returned %d\n", kthread_stop(thread));
	put_task_struct(thread);
}

module_init(signals_init);
module_exit(signals_exit);
MODULE_LICENSE("GPL");
