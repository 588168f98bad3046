/*
 * jiffies starts five minutes before its low 32 bits wrap; comparisons go through time_after. Milliseconds
 * are rounded up to jiffies, and a time that is negative as an int is the longest there is.
 *
 * Covers: INITIAL_JIFFIES, time_after, time_before, msecs_to_jiffies, jiffies_to_msecs (include/linux/jiffies.h).
 */
#include "case.h"

static int __init jiffies_wrap_init(void)
{
	static const unsigned int times_ms[] = { 0, 1, 4, 5, 8, 1000, 0x7fffffff };
	unsigned long before = ULONG_MAX - 10, after = before + 20, now = jiffies;
	int i;

	say("HZ=%d start=%lu", HZ, INITIAL_JIFFIES);
	say("started there=%d", time_after_eq(now, INITIAL_JIFFIES));
	say("within an hour=%d", now - INITIAL_JIFFIES < 3600 * HZ);
	say("across the wrap: time_after=%d greater=%d", time_after(after, before), after > before);
	say("time_before=%d time_after_eq=%d", time_before(before, after),
	    time_after_eq(before, before));
	for (i = 0; i < ARRAY_SIZE(times_ms); i++)
		say("msecs_to_jiffies(%u)=%lu", times_ms[i], msecs_to_jiffies(times_ms[i]));
	say("of a negative one=%d", msecs_to_jiffies(-1) == MAX_JIFFY_OFFSET);
	say("jiffies_to_msecs(%d)=%u usecs=%u", 3, jiffies_to_msecs(3), jiffies_to_usecs(3));
	say("usecs_to_jiffies(1)=%lu of 4001=%lu", usecs_to_jiffies(1), usecs_to_jiffies(4001));
	return 0;
}

static void __exit jiffies_wrap_exit(void)
{
}

module_init(jiffies_wrap_init);
module_exit(jiffies_wrap_exit);
