// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Parameters of every kind, with threads that are configured by an array of them.
 *
 * log: parameters: threshold set to 12
 * log: parameters: slow+fast mode=0x1f limit=4000000000 tag=none
 * log: parameters: thread 0 every 100 ms
 * log: parameters: thread 1 every 250 ms
 * log: parameters: thread 0 ran, thread 1 ran
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

static int period[8] = { 100, 250 };
static int periods = 2;
module_param_array(period, int, &periods, 0444);
MODULE_PARM_DESC(period, "Milliseconds between two runs of each thread");

static char *names[4] = { "slow", "fast" };
static int nr_names = 2;
module_param_array(names, charp, &nr_names, 0);

static char tag[8] = "none";
module_param_string(tag, tag, sizeof(tag), 0644);
static bool quiet;
module_param(quiet, bool, S_IRUGO | S_IWUSR);
static unsigned long long limit = 4000000000ULL;
module_param_named(max, limit, ullong, 0400);
static unsigned int mode = 0x1f;
module_param(mode, hexint, 0444);
static ushort port;
module_param(port, ushort, 0444);

static int threshold;

static int threshold_set(const char *val, const struct kernel_param *kp)
{
	int old = threshold, err = param_set_int(val, kp);

	if (err)
		return err;
	if (threshold < 0 || threshold > 100) {
		threshold = old;
		return -EINVAL;
	}
	pr_info("threshold set to %d\n", threshold);
	return 0;
}

static const struct kernel_param_ops threshold_ops = {
	.set = threshold_set,
	.get = param_get_int,
};
module_param_cb(threshold, &threshold_ops, &threshold, 0644);

static struct task_struct *threads[ARRAY_SIZE(period)];
static int runs[ARRAY_SIZE(period)];

static int run(void *data)
{
	long me = (long)data;

	while (!kthread_should_stop()) {
		runs[me]++;
		msleep_interruptible(period[me]);
	}
	return 0;
}

static void stop_all(void)
{
	int i;

	for (i = 0; i < periods; i++)
		if (!IS_ERR_OR_NULL(threads[i]))
			kthread_stop(threads[i]);
}

static int __init parameters_init(void)
{
	struct kernel_param kp = { .name = "threshold", .ops = &threshold_ops, .arg = &threshold };
	char text[16];
	long i;

	/* As a write to the file of the parameter would do it. */
	if (threshold_set("12", &kp) || threshold_set("101", &kp) != -EINVAL)
		return -EINVAL;
	if (param_get_int(text, &kp) != 3 || strcmp(text, "12\n"))
		return -EINVAL;
	pr_info("%s+%s mode=%#x limit=%llu tag=%s\n", names[0], names[1], mode, limit, tag);
	for (i = 0; i < periods; i++) {
		if (!quiet)
			pr_info("thread %ld every %d ms\n", i, period[i]);
		threads[i] = kthread_run(run, (void *)i, "%s", names[i % nr_names]);
		if (IS_ERR(threads[i])) {
			stop_all();
			return PTR_ERR(threads[i]);
		}
	}
	return 0;
}

static void __exit parameters_exit(void)
{
	stop_all();
	pr_info("thread 0 %s, thread 1 %s\n", runs[0] > 20 ? "ran" : "was late",
		runs[1] > 8 ? "ran" : "was late");
}

module_init(parameters_init);
module_exit(parameters_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_VERSION("1.0");
