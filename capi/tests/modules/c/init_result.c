/* Its init function returns what it is told, and leaves interrupts or preemption off if asked. */
#include <linux/module.h>

static int result;
module_param(result, int, 0444);
static bool atomic;
module_param(atomic, bool, 0444);

__attribute__((constructor)) static void constructor(void)
{
	pr_info("constructor\n");
}

static int __init init_result_init(void)
{
	pr_info("init %d state %d\n", module_refcount(THIS_MODULE), THIS_MODULE->state);
	if (atomic) {
		preempt_disable();
		local_irq_disable();
	}
	return result;
}

static void __exit init_result_exit(void)
{
	pr_info("exit %d state %d get %d\n", module_refcount(THIS_MODULE), THIS_MODULE->state,
		try_module_get(THIS_MODULE));
}

module_init(init_result_init);
module_exit(init_result_exit);
MODULE_LICENSE("GPL v2");
