/* The second half: its `local` is another variable than the one of the first half. */
int shared_common;
static volatile int local = 1000;

int from_b(int x) { return local + shared_common * 2 + x; }
