/* Forgets a thread that sleeps in its text. */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>

static int rounds = 3;
module_param(rounds, int, 0444);
static bool busy;
module_param(busy, bool, 0444);

static int forgotten(void *unused)
{
	while (rounds-- > 0) {
		if (busy)
			mdelay(200);
		else
			msleep(1000);
		pr_info("forgotten goes on\n");
	}
	return 0;
}

static int __init straggler_init(void)
{
	kthread_run(forgotten, NULL, "forgotten");
	return 0;
}

static void __exit straggler_exit(void)
{
}

module_init(straggler_init);
module_exit(straggler_exit);
MODULE_LICENSE("GPL");
