#include <linux/module.h>

static noinline void deeper(void)
{
	dump_stack();
	barrier();
}

static int __init lines_init(void)
{
	deeper();
	return 0;
}

static void __exit lines_exit(void)
{
}

module_init(lines_init);
module_exit(lines_exit);
MODULE_LICENSE("GPL");
