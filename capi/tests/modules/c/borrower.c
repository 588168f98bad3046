/* Uses what lender lends. */
#include <linux/module.h>

extern int lent_number;
extern int lend(int more);

static int __init borrower_init(void)
{
	lent_number++;
	pr_info("borrowed %d\n", lend(1));
	return 0;
}

static void __exit borrower_exit(void)
{
}

module_init(borrower_init);
module_exit(borrower_exit);
MODULE_LICENSE("GPL");
