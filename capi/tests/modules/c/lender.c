/* Lends functions and data to other modules. */
#include <linux/delay.h>
#include <linux/module.h>

int lent_number = 40;
EXPORT_SYMBOL(lent_number);

int lend(int more)
{
	return lent_number + more;
}
EXPORT_SYMBOL(lend);

int lend_gpl(int more)
{
	return lend(more) + 1;
}
EXPORT_SYMBOL_GPL(lend_gpl);

static int delay_ms;
module_param(delay_ms, int, 0444);
static int result;
module_param(result, int, 0444);

static int __init lender_init(void)
{
	msleep(delay_ms);
	return result;
}

static void __exit lender_exit(void)
{
}

module_init(lender_init);
module_exit(lender_exit);
MODULE_LICENSE("Dual MIT/GPL");
