// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What was still there in Linux 4.x: setup_timer(), set_task_state(), do_gettimeofday(),
 * complete_and_exit(), strlcpy(), and a test of the version for each.
 *
 * log: legacy_4: built for
 * log: legacy_4: the timer has data 7
 * log: legacy_4: half a second took about that long
 * log: legacy_4: ended by completion
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/time.h>
#include <linux/timer.h>
#include <linux/version.h>

static struct timer_list timer;
static struct completion started, ended;
static char release[16];
static struct task_struct *thread;
static int stop;

static void expired(unsigned long data)
{
	pr_info("the timer has data %lu\n", data);
}

static int run(void *unused)
{
	struct timeval before, after;
	long ms;

	complete(&started);
	do_gettimeofday(&before);
	set_task_state(current, TASK_UNINTERRUPTIBLE);
	schedule_timeout(HZ / 2);
	do_gettimeofday(&after);
	ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_usec - before.tv_usec) / 1000;
	if (ms >= 490 && ms < 2000)
		pr_info("half a second took about that long\n");
	else
		pr_err("half a second took %ld ms\n", ms);
	while (!ACCESS_ONCE(stop)) {
		set_task_state(current, TASK_INTERRUPTIBLE);
		schedule_timeout(HZ);
	}
	complete_and_exit(&ended, 0);
}

static int __init legacy_4_init(void)
{
	strlcpy(release, "4.x and later", sizeof(release));
#if LINUX_VERSION_CODE < KERNEL_VERSION(4, 0, 0)
#error "the version is too old"
#endif
	pr_info("built for %d.%d, %s\n", LINUX_VERSION_CODE >> 16, (LINUX_VERSION_CODE >> 8) & 0xff,
		release);
	init_completion(&started);
	init_completion(&ended);
	setup_timer(&timer, expired, 7);
	mod_timer(&timer, jiffies + HZ / 10);
	thread = kthread_run(run, NULL, "legacy_4");
	if (IS_ERR(thread)) {
		del_timer_sync(&timer);
		return PTR_ERR(thread);
	}
	wait_for_completion(&started);
	return 0;
}

static void __exit legacy_4_exit(void)
{
	del_timer_sync(&timer);
	ACCESS_ONCE(stop) = 1;
	wake_up_process(thread);
	wait_for_completion(&ended);
	pr_info("ended by completion\n");
}

module_init(legacy_4_init);
module_exit(legacy_4_exit);
MODULE_LICENSE("GPL");
