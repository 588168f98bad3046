/* The first half of a module of two files; the common symbols are shared. */
int shared_common;
long big_common[64];
extern int from_b(int x);
static volatile int local = 1;

int from_a(int x)
{
	shared_common += x;
	big_common[63] = x;
	return from_b(x) + local;
}

int init_module(void) { return from_a(4); }
