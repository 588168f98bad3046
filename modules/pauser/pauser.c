// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A thread that can be paused: writing to /sys/module/pauser/parameters/paused parks it and lets it
 * go on.
 *
 * What makes it right:
 *  - Parking is a request: the thread must look at kthread_should_park() and park itself. Where it
 *    does so is where it holds no lock and can stand still; kthread_park() returns when it does.
 *  - The sleep is one that a request ends at once: its condition names the park bit. Unlike
 *    kthread_stop(), kthread_park() does not make signal_pending() true.
 *  - kthread_stop() lets a parked thread go, so unloading works in both states.
 *  - The file can be written while the module unloads, so the thread's pointer has a lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/wait.h>

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("a kernel thread that can be paused");

static unsigned int interval_ms = 1000;
module_param(interval_ms, uint, 0444);
MODULE_PARM_DESC(interval_ms, "time between two counts");

static DEFINE_MUTEX(control);
static struct task_struct *counter;	/* NULL before init and after exit; under control */
static bool paused;			/* under control */
static DECLARE_WAIT_QUEUE_HEAD(interval);

/* Returns how far it counted. */
static int count(void *unused)
{
	int value = 0;

	while (!kthread_should_stop()) {
		if (kthread_should_park()) {
			pr_info("parked at %d\n", value);
			kthread_parkme();
			pr_info("goes on from %d\n", value);
			continue;
		}
		value++;
		wait_event_interruptible_timeout(interval,
						 kthread_should_park() || kthread_should_stop(),
						 msecs_to_jiffies(interval_ms));
	}
	return value;
}

/* Pausing a paused thread would be an error (-EBUSY and a warning), so only changes act. */
static int set_paused_locked(bool wanted)
{
	int err = 0;

	if (wanted == paused)
		return 0;
	if (counter && wanted)
		err = kthread_park(counter);
	if (counter && !wanted)
		kthread_unpark(counter);
	if (!err)
		paused = wanted;
	return err;
}

static int set_paused(const char *text, const struct kernel_param *param)
{
	bool wanted;
	int err = kstrtobool(text, &wanted);

	if (err)
		return err;
	mutex_lock(&control);
	err = set_paused_locked(wanted);
	mutex_unlock(&control);
	return err;
}

static const struct kernel_param_ops paused_ops = {
	.set = set_paused,
	.get = param_get_bool,
};
module_param_cb(paused, &paused_ops, &paused, 0644);
MODULE_PARM_DESC(paused, "whether the thread stands still");

static int __init pauser_init(void)
{
	struct task_struct *thread = kthread_create(count, NULL, "counter");

	if (IS_ERR(thread))
		return PTR_ERR(thread);
	/* Loaded with paused=1 the thread is parked before it runs for the first time. */
	mutex_lock(&control);
	if (paused)
		kthread_park(thread);
	else
		wake_up_process(thread);
	counter = thread;
	mutex_unlock(&control);
	return 0;
}

static void __exit pauser_exit(void)
{
	struct task_struct *thread;

	mutex_lock(&control);
	thread = counter;
	counter = NULL;
	mutex_unlock(&control);
	pr_info("counted to %d\n", kthread_stop(thread));
}

module_init(pauser_init);
module_exit(pauser_exit);
