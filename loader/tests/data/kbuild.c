/* What marks a module of Linux's own build. */
#ifdef WITH_VERMAGIC
static const char magic[] __attribute__((section(".modinfo"), used)) =
	"license=GPL\0vermagic=6.1.0-49-amd64 SMP preempt mod_unload modversions ";
#endif
char this_module[896] __attribute__((section(".gnu.linkonce.this_module"))) = { 1 };
