/* Uses what is nowhere. */
#include <linux/module.h>

extern void *alloc_workqueue(const char *name, unsigned int flags, int max_active, ...);
extern int kthread_stopp(void *task);
extern int frobnicate_the_gizmo(void);
extern int maybe(void) __attribute__((weak));

static int __init undefined_init(void)
{
	if (maybe)
		return maybe();
	alloc_workqueue("w", 0, 0);
	return kthread_stopp(NULL) + frobnicate_the_gizmo();
}

static void __exit undefined_exit(void)
{
}

module_init(undefined_init);
module_exit(undefined_exit);
MODULE_LICENSE("GPL");
