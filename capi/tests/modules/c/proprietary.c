/* Uses what it may not. */
#include <linux/kthread.h>
#include <linux/module.h>

extern int lend_gpl(int more);

static int __init proprietary_init(void)
{
	return kthread_park(current) + lend_gpl(1);
}

module_init(proprietary_init);
MODULE_LICENSE("All mine");
