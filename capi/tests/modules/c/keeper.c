/* Keeps what other modules give it, and has a wait queue for them. */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/wait.h>

struct kept {
	void *memory;
	void *inner;
};

static struct kept *kept;
DECLARE_WAIT_QUEUE_HEAD(kept_events);
EXPORT_SYMBOL(kept_events);

int keep(void *memory, void *inner);

/* One is in this module's variable, the other in memory of this module. */
int keep(void *memory, void *inner)
{
	kept = kzalloc(sizeof(*kept), GFP_KERNEL);
	if (!kept)
		return -ENOMEM;
	kept->memory = memory;
	kept->inner = inner;
	return 0;
}
EXPORT_SYMBOL(keep);

static int __init keeper_init(void)
{
	return 0;
}

static void __exit keeper_exit(void)
{
	wake_up(&kept_events);
	kfree(kept->inner);
	kfree(kept->memory);
	kfree(kept);
}

module_init(keeper_init);
module_exit(keeper_exit);
MODULE_LICENSE("GPL");
