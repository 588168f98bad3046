/*
 * Parameters of each common type, as the command line set them, as files show them, and as writing to a file
 * changes them; one without permissions has no file.
 *
 * Covers: module_param, module_param_named, module_param_array (kernel/params.c).
 *
 * script:
 *   insmod module_params.ko number=-12 flag=y word=hello list=1,2,3 secret=8 other=0x20
 *   echo "case: number=$(cat /sys/module/module_params/parameters/number)"
 *   echo "case: flag=$(cat /sys/module/module_params/parameters/flag)"
 *   echo "case: word=$(cat /sys/module/module_params/parameters/word)"
 *   echo "case: list=$(cat /sys/module/module_params/parameters/list)"
 *   echo "case: other=$(cat /sys/module/module_params/parameters/other)"
 *   echo "case: secret=$(cat /sys/module/module_params/parameters/secret)"
 *   echo 77 > /sys/module/module_params/parameters/number
 *   echo "case: number=$(cat /sys/module/module_params/parameters/number)"
 *   echo nonsense > /sys/module/module_params/parameters/number
 *   echo "case: number=$(cat /sys/module/module_params/parameters/number)"
 *   echo 0 > /sys/module/module_params/parameters/flag
 *   echo "case: flag=$(cat /sys/module/module_params/parameters/flag)"
 *   rmmod module_params
 */
#include "case.h"
#include <linux/moduleparam.h>

static int number = 3;
module_param(number, int, 0644);
MODULE_PARM_DESC(number, "any number");

static bool flag;
module_param(flag, bool, 0644);

static char *word = "nothing";
module_param(word, charp, 0444);

static int list[4] = { 9, 9, 9, 9 };
static int list_length;
module_param_array(list, int, &list_length, 0444);

static unsigned long secret;
module_param(secret, ulong, 0);

static unsigned int inside;
module_param_named(other, inside, uint, 0444);

static void describe(const char *when)
{
	say("%s: number=%d flag=%d word=%s secret=%lu other=%u", when, number, flag, word, secret,
	    inside);
	say("%s: list=%d,%d,%d,%d length=%d", when, list[0], list[1], list[2], list[3], list_length);
}

static int __init module_params_init(void)
{
	describe("init");
	return 0;
}

static void __exit module_params_exit(void)
{
	describe("exit");
}

module_init(module_params_init);
module_exit(module_params_exit);
