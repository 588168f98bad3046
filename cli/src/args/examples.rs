//! The examples that follow the help of the command and of its subcommands.

pub(super) const EXAMPLES: &str = "\
Examples:
  kthreads run hello.c                         compile, load, follow the log until Ctrl-C
  kthreads run pair.c --fast-forward --script 'sleep 25; ps -ef; rmmod pair'
  kthreads shell pair.c                        the same kernel with a prompt
  kthreads boot pair.c --script 'ps -ef'       the same kernel on bare metal, in QEMU
  kthreads explore pair.c                      many schedules, to find the one that goes wrong
  kthreads build a.c b.c -o pair.ko            compile only
  kthreads new pair                            begin a module of your own
  kthreads run pair/pair.c --gdb               debug it

Exit status: 0 all went well, 1 the kernel reported a bug or an expectation failed, 2 wrong usage,
3 a module did not compile or load, 130 interrupted.";

pub(super) const RUN_EXAMPLES: &str = "\
Examples:
  kthreads run hello.c
      compile and load hello.c, follow the log until Ctrl-C, then unload it
  kthreads run cache.c size=64 name='\"two words\"' flusher/ interval=5
      two modules, each with its parameters; flusher/ has a Kbuild or Makefile
  kthreads run pair.c --fast-forward --for 60
      one minute of kernel time, in as little real time as the modules need
  kthreads run pair.c --script 'sleep 1; ps -ef; pkill -9 -x mythread; expect stopped within 2'
      a script is a test: if an expectation fails, the exit status is 1
  kthreads run pair.c --gdb
      then `break thread_function`, `run`, `bt`, `info locals`, `continue`

Exit status: 0 all went well, 1 the kernel reported a bug or an expectation failed, 2 wrong usage,
3 a module did not compile or load, 130 interrupted (a second Ctrl-C ends at once).";

pub(super) const SHELL_EXAMPLES: &str = "\
Examples:
  kthreads shell
      an empty kernel with a prompt; `help` lists the commands
  kthreads shell pair.c count=10 --cpus 2
      two CPUs, one module with a parameter
  kthreads shell pair.c --fast-forward
      `sleep 3600` returns at once; the clock stands still while the prompt waits";

pub(super) const BUILD_EXAMPLES: &str = "\
Examples:
  kthreads build hello.c
      writes hello.ko to the current directory
  kthreads build a.c b.c -o pair.ko
      one module of two sources, called pair
  kthreads build flusher/
      every obj-m of flusher/Kbuild or flusher/Makefile
  CC='ccache clang' kthreads build hello.c
      with another compiler; without CC it is gcc, or else clang";

pub(super) const NEW_EXAMPLES: &str = "\
Examples:
  kthreads new pair
      writes pair/pair.c, pair/pair.script and pair/README.md
  kthreads new pair drivers/
      the same in drivers/; nothing that is there is written over";

pub(super) const FLAGS_EXAMPLES: &str = "\
Examples:
  kthreads flags > compile_flags.txt
      clangd and others complete and check the modules of this directory
  kthreads flags --compile-commands > compile_commands.json
      for each module of this directory, with the flags of its Kbuild or Makefile
  kthreads flags --compile-commands a.c flusher/ > compile_commands.json
      for these";

pub(super) const STACKS_EXAMPLES: &str = "\
Examples:
  kthreads stacks
      asks the one `kthreads run` or `kthreads shell` that runs
  kthreads stacks 4711
      asks that one; in its own terminal Ctrl-\\ does the same

It answers in its log, and goes on.";
