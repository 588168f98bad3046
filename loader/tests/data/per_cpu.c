/* Variables of which each CPU has a copy. */
#define PER_CPU __attribute__((section(".data..percpu")))

static int target = 5;
PER_CPU int number = 42;
PER_CPU int *pointer = &target;
PER_CPU char padding[100] = { 1 };
int behind;

void set_number(void) { number = 7; }
