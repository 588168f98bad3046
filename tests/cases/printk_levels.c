/*
 * Each level of a message, and what a message without one gets; how messages begin, go on and end; and the
 * formats that kernel code adds to those of C.
 *
 * Covers: printk, pr_*, KERN_CONT, the default level 4 (kernel/printk/printk.c:vprintk_store), printk's result,
 * %pe, %*ph, %ps, %p of NULL (lib/vsprintf.c).
 */
#include "case.h"
#include <linux/printk.h>

static void formats(void)
{
	static const unsigned char bytes[] = { 0x00, 0x7f, 0xff };
	char text[64];
	int length;

	say("error pointer %pe", ERR_PTR(-ENOMEM));
	say("bytes %*ph", 3, bytes);
	say("function %ps", kthread_stop);
	say("null pointer %p error %p", NULL, ERR_PTR(-EIO));
	say("raw pointer %px", (void *)0x1234abcd);
	say("integers [%5d] [%-5d] [%05d] [%+d] [%x] [%#x] [%o]", 42, 42, 42, 42, 42, 42, 42);
	say("long %ld %lu %llx", LONG_MIN, ULONG_MAX, 0xfedcba9876543210ULL);
	say("text [%s] [%10s] [%-10s] [%.3s] [%c%c]", "abcdef", "abc", "abc", "abcdef", 'x', '%');
	say("null text %s", (char *)NULL);
	length = snprintf(text, 5, "%s", "abcdefgh");
	say("snprintf length=%d text=%s", length, text);
	length = scnprintf(text, 5, "%s", "abcdefgh");
	say("scnprintf length=%d text=%s", length, text);
}

static int __init printk_levels_init(void)
{
	int length;

	printk("case: no level\n");
	printk(KERN_DEFAULT "case: default\n");
	pr_emerg("case: emerg\n");
	pr_alert("case: alert\n");
	pr_crit("case: crit\n");
	pr_err("case: err\n");
	pr_warn("case: warn\n");
	pr_notice("case: notice\n");
	pr_info("case: info\n");
	printk(KERN_DEBUG "case: debug\n");
	printk("<1> case: an old level is text\n");
	printk(KERN_INFO "case: no newline");
	printk(KERN_INFO "case: another");
	printk(KERN_CONT ", continued");
	pr_cont(" and ended\n");
	pr_cont("case: continued after the end\n");
	pr_info("case: one\ncase: message of two lines\n");
	length = printk(KERN_INFO "case: counted\n");
	say("length=%d", length);
	length = printk(KERN_INFO "case: counted too");
	say("length=%d", length);
	formats();
	return 0;
}

static void __exit printk_levels_exit(void)
{
}

module_init(printk_levels_init);
module_exit(printk_levels_exit);
