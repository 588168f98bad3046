/*
 * A completion counts: n completes let n waits pass, before or after; complete_all opens it until
 * reinit_completion. The try and done forms never sleep, and only the first of them takes a count.
 *
 * Covers: complete, complete_all, reinit_completion, wait_for_completion_timeout, try_wait_for_completion,
 * completion_done (kernel/sched/completion.c).
 */
#include "case.h"

static DECLARE_COMPLETION(done);

static void try_all(const char *what)
{
	bool first = try_wait_for_completion(&done), second = try_wait_for_completion(&done);
	bool third = try_wait_for_completion(&done);

	say("%s: passes=%d,%d,%d done=%d", what, first, second, third, completion_done(&done));
}

static int __init completion_counts_init(void)
{
	say("new: done=%d count=%u", completion_done(&done), done.done);
	try_all("new");
	complete(&done);
	complete(&done);
	say("twice: done=%d,%d count=%u", completion_done(&done), completion_done(&done), done.done);
	try_all("twice");
	complete_all(&done);
	say("all: count=%u", done.done);
	wait_for_completion(&done);
	wait_for_completion(&done);
	complete(&done);
	try_all("all");
	say("all: count=%u", done.done);
	reinit_completion(&done);
	try_all("reinit");
	say("timeout not done=%lu", wait_for_completion_timeout(&done, 2));
	say("timeout 0 not done=%lu", wait_for_completion_timeout(&done, 0));
	complete(&done);
	say("timeout 0 done=%lu", wait_for_completion_timeout(&done, 0));
	complete(&done);
	say("timeout done=%lu", wait_for_completion_timeout(&done, 40));
	say("count=%u", done.done);
	return 0;
}

static void __exit completion_counts_exit(void)
{
}

module_init(completion_counts_init);
module_exit(completion_counts_exit);
