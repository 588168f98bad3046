/* A parameter of each type. */
#include <linux/module.h>

static unsigned char a_byte = 1;
static short a_short = 2;
static unsigned short a_ushort = 3;
static int an_int = 4;
static unsigned int a_uint = 5;
static long a_long = 6;
static unsigned long a_ulong = 7;
static unsigned long long a_ullong = 8;
static unsigned int a_hexint = 31;
static bool a_bool;
static bool an_invbool;
static int a_bint;
static char *a_charp = "constant";
static char *no_charp;
static char a_string[8] = "short";
static int numbers[4] = { 1, 2, 3, 4 };
static int numbers_count;
static char *words[3];
static bool flags[2];
static int custom;
static int hidden;
static int risky;

module_param(a_byte, byte, 0644);
module_param(a_short, short, 0644);
module_param(a_ushort, ushort, 0644);
module_param(an_int, int, 0644);
module_param(a_uint, uint, 0644);
module_param(a_long, long, 0644);
module_param(a_ulong, ulong, 0644);
module_param(a_ullong, ullong, 0644);
module_param(a_hexint, hexint, 0644);
module_param(a_bool, bool, 0644);
module_param(an_invbool, invbool, 0644);
module_param(a_bint, bint, 0644);
module_param(a_charp, charp, 0644);
module_param(no_charp, charp, 0644);
module_param_string(a_string, a_string, sizeof(a_string), 0644);
module_param_array(numbers, int, &numbers_count, 0644);
module_param_array(words, charp, NULL, 0644);
module_param_array(flags, bool, NULL, 0644);
module_param(hidden, int, 0);
module_param_unsafe(risky, int, 0644);

static int custom_set(const char *val, const struct kernel_param *kp)
{
	int error = param_set_int(val, kp);

	if (error)
		return error;
	if (custom == 13)
		return -ERANGE;
	pr_info("custom %s of %s is %d\n", kp->name, kp->mod->name, custom);
	return 0;
}

static int custom_get(char *buffer, const struct kernel_param *kp)
{
	return sprintf(buffer, "<%d>\n", *(int *)kp->arg);
}

static const struct kernel_param_ops custom_ops = { .set = custom_set, .get = custom_get };
module_param_cb(custom, &custom_ops, &custom, 0644);

static const struct kernel_param_ops write_only_ops = { .set = custom_set };
module_param_cb(write_only, &write_only_ops, &custom, 0200);

static int __init all_params_init(void)
{
	pr_info("%u %d %u %d %u %ld %lu %llu %x\n", a_byte, a_short, a_ushort, an_int, a_uint, a_long,
		a_ulong, a_ullong, a_hexint);
	pr_info("%d %d %d %s %s\n", a_bool, an_invbool, a_bint, a_charp, a_string);
	pr_info("%d: %d %d %d %d\n", numbers_count, numbers[0], numbers[1], numbers[2], numbers[3]);
	return 0;
}

static void __exit all_params_exit(void)
{
	pr_info("exit %s\n", a_charp);
}

module_init(all_params_init);
module_exit(all_params_exit);
MODULE_LICENSE("GPL");
