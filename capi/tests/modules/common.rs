//! What the tests share: a compiler, and a kernel with a module loader.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kthreads_capi::module::{Argument, InsmodError, LoadedImage, ModuleFile, ModuleLoader};
use kthreads_host::{Clock, HostConfig, HostMachine};
use kthreads_kernel::log::{LOG_LINE_MAX, Read, Reader};
use kthreads_kernel::signal::{Sender, Target};
use kthreads_kernel::{Booted, Config, Cx, Errno, Kernel};

/// The flags of every module.
const FLAGS: &str = "-std=gnu11 -ffreestanding -nostdinc -O2 -g -fPIC -fno-plt \
    -fvisibility=hidden -mno-red-zone -mgeneral-regs-only -fno-stack-protector \
    -fcf-protection=none -fno-asynchronous-unwind-tables -fno-common -fno-strict-aliasing \
    -fno-delete-null-pointer-checks -fno-omit-frame-pointer -fno-optimize-sibling-calls \
    -fstack-clash-protection -D__KERNEL__ -DMODULE -w \
    -include linux/kconfig.h -include linux/compiler_types.h";

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A source of this test.
pub(crate) fn own(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/modules/c").join(name)
}

/// Compiles a source as a module.
pub(crate) fn compile(source: &Path) -> Vec<u8> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("kthreads-capi-{}-{number}.o", std::process::id());
    let object = std::env::temp_dir().join(name);
    let asked = Command::new("gcc").arg("-print-file-name=include").output().unwrap();
    let gcc_headers = String::from_utf8(asked.stdout).unwrap();
    let module = source.file_stem().unwrap().to_str().unwrap();
    let mut gcc = Command::new("gcc");
    gcc.args(FLAGS.split_whitespace()).arg("-I").arg(root().join("include"));
    gcc.arg("-isystem").arg(gcc_headers.trim());
    gcc.arg(format!("-DKBUILD_MODNAME=\"{module}\""));
    gcc.arg("-c").arg(source).arg("-o").arg(&object);
    let output = gcc.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = std::fs::read(&object).unwrap();
    let _ = std::fs::remove_file(object);
    bytes
}

/// A kernel with a module loader. Its time goes on between two calls: what must follow each other
/// closely is one job.
pub(crate) struct Rig {
    pub(crate) loader: ModuleLoader,
    pub(crate) kernel: Booted,
    pub(crate) machine: Arc<HostMachine>,
}

impl Rig {
    pub(crate) fn new(cpus: u32) -> Rig {
        let config = HostConfig { cpus, clock: Clock::FastForward, ..HostConfig::default() };
        let machine = HostMachine::new(config).unwrap();
        let kernel = Kernel::boot(machine.clone(), Config::default()).unwrap();
        let loader = kernel.enter(ModuleLoader::new);
        Rig { loader, kernel, machine }
    }

    /// Waits until there is a module of that name.
    pub(crate) fn await_module(&self, name: &str) {
        while self.kernel.enter(|cx| cx.kernel.find_module(name).is_none()) {
            std::thread::yield_now();
        }
    }

    /// Loads a module as the task of `cx`.
    pub(crate) fn load_here(
        &self,
        cx: &Cx<'_>,
        name: &str,
        bytes: &[u8],
        arguments: &str,
    ) -> Result<(), InsmodError> {
        self.loader.insmod(cx, &ModuleFile { name, bytes }, &Argument::split(arguments))
    }

    /// Compiles and loads one of this test's modules.
    pub(crate) fn insmod(&self, name: &str, arguments: &str) -> Result<(), InsmodError> {
        self.load(name, &compile(&own(&format!("{name}.c"))), arguments)
    }

    pub(crate) fn load(
        &self,
        name: &str,
        bytes: &[u8],
        arguments: &str,
    ) -> Result<(), InsmodError> {
        self.kernel.enter_as("insmod", |cx| self.load_here(cx, name, bytes, arguments))
    }

    pub(crate) fn rmmod(&self, name: &str) -> Result<(), Errno> {
        self.kernel.enter_as("rmmod", |cx| self.loader.rmmod(cx, name))
    }

    /// Reads a file of /sys/module/MODULE/parameters.
    pub(crate) fn parameter(&self, module: &str, name: &str) -> Result<String, Errno> {
        self.kernel.enter_as("cat", |cx| {
            let module = cx.kernel.find_module(module).ok_or(Errno::ENOENT)?;
            let parameters = module.parameters();
            let found = parameters.iter().find(|parameter| parameter.name() == name);
            found.ok_or(Errno::ENOENT)?.get()
        })
    }

    /// Writes to a file of /sys/module/MODULE/parameters.
    pub(crate) fn set(&self, module: &str, name: &str, value: &str) -> Result<(), Errno> {
        self.kernel.enter_as("echo", |cx| {
            let module = cx.kernel.find_module(module).ok_or(Errno::ENOENT)?;
            let parameters = module.parameters();
            let found = parameters.iter().find(|parameter| parameter.name() == name);
            found.ok_or(Errno::ENOENT)?.set(value)
        })
    }

    /// Sleeps in the kernel.
    pub(crate) fn sleep(&self, ms: u32) {
        self.kernel.enter_as("sleep", |cx| cx.kernel.msleep(cx, ms));
    }

    /// Sends a signal to the thread of that name.
    pub(crate) fn kill(&self, comm: &str, signal: u32) {
        self.kernel.enter_as("pkill", |cx| {
            let tasks = cx.kernel.all_tasks();
            let task = tasks.iter().find(|task| task.comm().as_str() == comm).unwrap();
            cx.kernel.send_signal(task, signal, Sender::User, Target::Process).unwrap();
        });
    }

    /// Whether there is a thread of that name.
    pub(crate) fn has_thread(&self, comm: &str) -> bool {
        self.kernel.enter(|cx| has_thread(cx, comm))
    }

    /// The image of a loaded module.
    pub(crate) fn loader_image(&self, name: &str) -> Arc<LoadedImage> {
        self.kernel.enter(|_| self.loader.image(name)).unwrap()
    }

    /// All that the log holds, a line for each record.
    pub(crate) fn log(&self) -> String {
        let ring = self.kernel.log_ring();
        let mut reader = Reader::from_oldest(ring);
        let mut buffer = [0; LOG_LINE_MAX];
        let mut log = String::new();
        while let Read::Record { text, .. } = reader.read(ring, &mut buffer) {
            writeln!(log, "{}", String::from_utf8_lossy(text)).unwrap();
        }
        log
    }

    /// Insists that the log has a line that is exactly this.
    pub(crate) fn expect(&self, line: &str) {
        let log = self.log();
        assert!(log.lines().any(|found| found == line), "no {line:?} in:\n{log}");
    }

    /// Insists that the log has a line with this in it.
    pub(crate) fn expect_part(&self, part: &str) {
        let log = self.log();
        assert!(log.contains(part), "no {part:?} in:\n{log}");
    }

    /// Insists that the log has no line with this in it.
    pub(crate) fn expect_no(&self, part: &str) {
        let log = self.log();
        assert!(!log.contains(part), "{part:?} in:\n{log}");
    }
}

/// Whether there is a thread of that name.
pub(crate) fn has_thread(cx: &Cx<'_>, comm: &str) -> bool {
    cx.kernel.all_tasks().iter().any(|task| task.comm().as_str() == comm)
}
