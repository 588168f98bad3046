/*
 * A module is Loading, with one reference, while its init function runs, then Live, and Unloading with -1
 * while its exit function runs, which may sleep: the command that waits for it is in state D.
 *
 * Covers: /proc/modules (kernel/module/procfs.c:m_show), init_module, delete_module (kernel/module/main.c).
 *
 * script:
 *   insmod module_states.ko &
 *   sleep 1
 *   echo "case: loading=$(grep -c ' 1 - Loading ' /proc/modules)"
 *   echo "case: insmod $(grep State /proc/$(pgrep -x insmod)/status)"
 *   sleep 4
 *   echo "case: live=$(grep -c ' 0 - Live ' /proc/modules)"
 *   rmmod module_states &
 *   sleep 1
 *   echo "case: unloading=$(grep -c ' -1 - Unloading ' /proc/modules)"
 *   echo "case: rmmod $(grep State /proc/$(pgrep -x rmmod)/status)"
 *   sleep 4
 *   echo "case: loaded=$(grep -c '^module_states ' /proc/modules)"
 */
#include "case.h"

static int __init module_states_init(void)
{
	say("init begins in %s", current->comm);
	msleep(3000);
	say("init ends");
	return 0;
}

static void __exit module_states_exit(void)
{
	say("exit begins in %s", current->comm);
	msleep(3000);
	say("exit ends");
}

module_init(module_states_init);
module_exit(module_states_exit);
