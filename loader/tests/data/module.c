/* A module in miniature: everything that module code makes a compiler emit. */
typedef unsigned short u16;
typedef signed char s8;
typedef unsigned char u8;

#define __section(name) __attribute__((section(name), used))
#define __init __attribute__((section(".init.text"), noinline, cold))
#define __initdata __attribute__((section(".init.data")))
#define __initconst __attribute__((section(".init.rodata")))
#define __exit __attribute__((section(".exit.text"), used))
#define __ro_after_init __attribute__((section(".data..ro_after_init")))
#define EXPORT(sym, gpl)                                                       \
	static const char __kstrtab_##sym[]                                    \
		__section("__ksymtab_strings") = #sym;                         \
	static const struct export __ksymtab_##sym __section("__ksymtab") = {  \
		__kstrtab_##sym, (const void *)&sym, gpl }

struct export {
	const char *name;
	const void *addr;
	unsigned long flags;
};

/* What the kernel offers. */
extern volatile unsigned long jiffies;
extern int __this_module;
extern int outside_add(int a, int b);
extern int maybe_missing(int x) __attribute__((weak));
extern int maybe_data __attribute__((weak));
extern int (*outside_pointer)(int, int);

struct kernel_param {
	const char *name;
	void *mod;
	const void *ops;
	const u16 perm;
	s8 level;
	u8 flags;
	void *arg;
};

static int count = 3;
static const struct kernel_param __param_count __section("__param") = {
	"count", &__this_module, 0, 0644, -1, 0, &count };
static const char info[] __section(".modinfo") =
	"license=GPL\0author=A. Writer\0parmtype=count:int\0parm=count:how many";

int zeroed[100];
int filled = 42;
int sealed __ro_after_init = 5;
static int init_only __initdata = 6;
static const int init_const __initconst = 7;
const int constant = 11;

static int twice(int x) { return 2 * x; }
static int thrice(int x) { return 3 * x; }
static int (*const table[])(int) = { twice, thrice, twice };
static int (*handler)(int) = thrice;

int get_count(void) { return count; }
int call_table(int i, int x) { return table[i](x) + handler(x); }
unsigned long read_jiffies(void) { return jiffies; }
int add_outside(int a, int b) { return outside_add(a, b) + outside_add(b, a); }
void *module_pointer(void) { return &__this_module; }
int call_missing(int x) { return maybe_missing ? maybe_missing(x) : -1; }
int *missing_data(void) { return &maybe_data; }
void *take_outside(void) { return (void *)outside_add; }
int via_pointer(int a, int b) { return outside_pointer(a, b); }
void *const outside_table[] = { (void *)outside_add, (void *)&jiffies };

int counter(void)
{
	static int calls;
	static int seed = 100;
	calls++;
	zeroed[99]++;
	seed += calls;
	return seed;
}

long jump(int i, long x)
{
	switch (i) {
	case 0: return x + 17;
	case 1: return x * 3;
	case 2: return x - outside_add(i, 5);
	case 3: return x ^ 0x55;
	case 4: return counter();
	case 5: return x << 3;
	case 6: return x / 7;
	case 7: return x % 13;
	case 8: return ~x;
	default: return -1;
	}
}

int computed_goto(int i)
{
	static void *const labels[] = { &&zero, &&one, &&two };
	goto *labels[i];
zero:
	return 10;
one:
	return 21;
two:
	return 32;
}

long divide(long high, long low, long by)
{
	__int128 value = ((__int128)high << 64) | (unsigned long)low;
	return (long)(value / by);
}

const char *text(int i)
{
	static const char *const names[] = { "zero", "one", "two" };
	return names[i];
}

void write_constant(void) { *(volatile int *)&constant = 12; }
int *address_of_constant(void) { return (int *)&constant; }

__attribute__((weak)) int overridable(void) { return 77; }
int call_overridable(void) { return overridable(); }

static int __init setup(void)
{
	init_only++;
	sealed = 50;
	return init_only + init_const;
}

int __init init_module(void) { return setup() + outside_add(1, 1); }
void __exit cleanup_module(void) { filled = 0; }

EXPORT(counter, 0);
EXPORT(filled, 1);
