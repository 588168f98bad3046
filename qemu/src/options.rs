//! What a guest is started with.

use std::ffi::OsString;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

/// Says how fast the guest's processors run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As fast as the host can emulate them, each on a thread of its own.
    Free,
    /// One instruction takes one nanosecond of guest time, whatever the host does: what is
    /// measured in the guest is a count of instructions and can be repeated.
    Instructions,
}

/// Says that the guest waits for a debugger before its first instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Debugger {
    /// The TCP port of the local host that GDB connects to.
    pub port: u16,
}

/// Is all that a guest is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The kernel image.
    pub image: PathBuf,
    /// The files it gets, as [`pack`](crate::pack) makes them; empty for none.
    pub initrd: Vec<u8>,
    /// The kernel's command line.
    pub command_line: String,
    /// How many processors there are.
    pub cpus: NonZero<usize>,
    /// How much memory there is, in MiB.
    pub memory_mib: u32,
    /// How fast it runs.
    pub pace: Pace,
    /// Whether it waits for a debugger.
    pub debugger: Option<Debugger>,
    /// How long it may say nothing at all after its start; it is ended then. None for ever.
    pub silence: Option<Duration>,
    /// How long it may run at all. None for ever.
    pub limit: Option<Duration>,
    /// More arguments for QEMU.
    pub extra: Vec<OsString>,
}

impl Options {
    /// The defaults: two processors, 256 MiB, 20 seconds of silence.
    pub fn new(image: PathBuf) -> Options {
        Options {
            image,
            initrd: Vec::new(),
            command_line: String::new(),
            cpus: NonZero::new(2).unwrap_or(NonZero::<usize>::MIN),
            memory_mib: 256,
            pace: Pace::Free,
            debugger: None,
            silence: Some(Duration::from_secs(20)),
            limit: None,
            extra: Vec::new(),
        }
    }

    /// QEMU's arguments; `initrd` is the file that the files of the guest were written to.
    pub(crate) fn arguments(&self, initrd: Option<PathBuf>) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        let mut add = |texts: &[&str]| words.extend(texts.iter().map(OsString::from));
        match self.pace {
            Pace::Free => add(&["-accel", "tcg,thread=multi"]),
            Pace::Instructions => add(&["-accel", "tcg,thread=single", "-icount", "shift=0"]),
        }
        add(&["-cpu", "max", "-smp", &self.cpus.to_string(), "-m", &self.memory_mib.to_string()]);
        add(&["-nodefaults", "-vga", "none", "-display", "none", "-nic", "none", "-no-reboot"]);
        add(&["-serial", "stdio", "-monitor", "none"]);
        add(&["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
        if let Some(Debugger { port }) = self.debugger {
            add(&["-S", "-gdb", &format!("tcp:127.0.0.1:{port}")]);
        }
        add(&["-append", &self.command_line, "-kernel"]);
        words.push(self.image.clone().into());
        if let Some(initrd) = initrd {
            words.extend(["-initrd".into(), initrd.into()]);
        }
        words.extend(self.extra.iter().cloned());
        words
    }
}
