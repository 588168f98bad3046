/*
 * No sleep is shorter than asked for.
 *
 * Covers: msleep, msleep_interruptible (0 when it slept in full), usleep_range, ssleep
 * (kernel/time/timer.c).
 */
#include "case.h"
#include <linux/ktime.h>

static u64 begin;

static void start(void)
{
	begin = ktime_get_ns();
}

static bool early(u64 wanted_us)
{
	return ktime_get_ns() - begin < wanted_us * NSEC_PER_USEC;
}

static int __init sleep_bounds_init(void)
{
	static const unsigned int lengths_ms[] = { 0, 1, 3, 4, 5, 40 };
	unsigned long left;
	int i;

	for (i = 0; i < ARRAY_SIZE(lengths_ms); i++) {
		start();
		msleep(lengths_ms[i]);
		say("msleep(%u): early=%d", lengths_ms[i], early(lengths_ms[i] * 1000));
	}
	start();
	left = msleep_interruptible(20);
	say("msleep_interruptible(20): left=%lu early=%d", left, early(20000));
	start();
	usleep_range(300, 600);
	say("usleep_range(300): early=%d", early(300));
	start();
	ssleep(1);
	say("ssleep(1): early=%d", early(1000000));
	return 0;
}

static void __exit sleep_bounds_exit(void)
{
}

module_init(sleep_bounds_init);
module_exit(sleep_bounds_exit);
