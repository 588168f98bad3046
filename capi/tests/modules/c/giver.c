/* Gives memory away, and leaves an entry in another module's wait queue. */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/wait.h>

extern wait_queue_head_t kept_events;
int keep(void *memory, void *inner);

static struct wait_queue_entry listener;

static int listen(struct wait_queue_entry *entry, unsigned int mode, int flags,
		  void *key)
{
	pr_info("listened\n");
	return 0;
}

static int __init giver_init(void)
{
	init_waitqueue_func_entry(&listener, listen);
	add_wait_queue(&kept_events, &listener);
	return keep(kmalloc(100, GFP_KERNEL), kmalloc(200, GFP_KERNEL));
}

static void __exit giver_exit(void)
{
}

module_init(giver_init);
module_exit(giver_exit);
MODULE_LICENSE("GPL");
