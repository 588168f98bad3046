/* Its thread ends itself just when the exit function is through. */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/module.h>

static DECLARE_COMPLETION(go);
static DECLARE_COMPLETION(gone);

static int leaves(void *unused)
{
	wait_for_completion(&go);
	kthread_complete_and_exit(&gone, 0);
	return 0;
}

static int __init leaver_init(void)
{
	kthread_run(leaves, NULL, "leaves");
	return 0;
}

static void __exit leaver_exit(void)
{
	complete(&go);
	wait_for_completion(&gone);
}

module_init(leaver_init);
module_exit(leaver_exit);
MODULE_LICENSE("GPL");
