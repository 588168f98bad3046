/* Says nothing of its licence, and cannot be unloaded. */
#include <linux/module.h>

static int __init unlicensed_init(void)
{
	return 0;
}

module_init(unlicensed_init);
