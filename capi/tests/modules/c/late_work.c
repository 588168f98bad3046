/* A thread of the kernel's, a worker, is left with work of this module. */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>

static void late(struct kthread_work *work)
{
	pr_info("late\n");
}

static int __init late_work_init(void)
{
	struct kthread_worker *worker = kthread_create_worker(0, "late");
	struct kthread_delayed_work *work = kmalloc(sizeof(*work), GFP_KERNEL);

	kthread_init_delayed_work(work, late);
	kthread_queue_delayed_work(worker, work, HZ);
	return 0;
}

static void __exit late_work_exit(void)
{
}

module_init(late_work_init);
module_exit(late_work_exit);
MODULE_LICENSE("GPL");
