//! The files of /proc that tell of the whole system.
//!
//! Lines are left out where there is nothing behind them here: interrupts and softirqs are not
//! counted, and memory has no caches and no swap.

use alloc::string::String;
use core::fmt::{self, Write};

use kthreads_base::Nanos;

use crate::{Errno, Kernel};

/// The kernel's release, as uname and /proc/sys/kernel/osrelease tell it.
pub const OS_RELEASE: &str = "6.1.0-kthreads";
/// The system's name, as uname and /proc/sys/kernel/ostype tell it.
pub const OS_TYPE: &str = "Linux";

/// Nanoseconds in a hundredth of a second.
const CENTISECOND: u64 = 10_000_000;
/// One in the fixed-point form of load averages.
const LOAD_ONE: u64 = 1 << 11;

/// A file of /proc itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SystemFile {
    Cpuinfo,
    Kallsyms,
    Loadavg,
    Lockdep,
    LockdepStats,
    Meminfo,
    Modules,
    Stat,
    Uptime,
    SysrqTrigger,
    Version,
}

impl SystemFile {
    pub(super) const ALL: &[(&str, SystemFile)] = &[
        ("cpuinfo", SystemFile::Cpuinfo),
        ("kallsyms", SystemFile::Kallsyms),
        ("loadavg", SystemFile::Loadavg),
        ("lockdep", SystemFile::Lockdep),
        ("lockdep_stats", SystemFile::LockdepStats),
        ("meminfo", SystemFile::Meminfo),
        ("modules", SystemFile::Modules),
        ("stat", SystemFile::Stat),
        ("sysrq-trigger", SystemFile::SysrqTrigger),
        ("uptime", SystemFile::Uptime),
        ("version", SystemFile::Version),
    ];
}

/// A load average rounded to two digits.
struct Load(u64);

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = self.0 + LOAD_ONE / 200;
        let hundredths = rounded % LOAD_ONE * 100 / LOAD_ONE;
        write!(f, "{}.{hundredths:02}", rounded / LOAD_ONE)
    }
}

/// A time in seconds with two digits, cut.
struct Seconds(Nanos);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = self.0.0 / CENTISECOND;
        write!(f, "{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

impl Kernel {
    /// The text of a file of /proc.
    pub(super) fn read_system(&self, file: SystemFile) -> Result<String, Errno> {
        if file == SystemFile::SysrqTrigger {
            return Err(Errno::EIO);
        }
        Ok(super::render(|out| match file {
            SystemFile::SysrqTrigger => Ok(()),
            SystemFile::Cpuinfo => self.write_cpuinfo(out),
            SystemFile::Kallsyms => self.write_kallsyms(out),
            SystemFile::Loadavg => self.write_loadavg(out),
            SystemFile::Lockdep => self.write_lockdep(out),
            SystemFile::LockdepStats => self.write_lockdep_stats(out),
            SystemFile::Meminfo => self.write_meminfo(out),
            SystemFile::Modules => self.write_modules(out),
            SystemFile::Stat => self.write_system_stat(out),
            SystemFile::Uptime => {
                let idle = (0..self.nr_cpus()).map(|cpu| self.idle_time(cpu).0).sum();
                writeln!(out, "{} {}", Seconds(self.uptime()), Seconds(Nanos(idle)))
            }
            SystemFile::Version => {
                let version = env!("CARGO_PKG_VERSION");
                writeln!(out, "{OS_TYPE} version {OS_RELEASE} (kthreads {version}) #1 SMP PREEMPT")
            }
        }))
    }

    fn write_loadavg(&self, out: &mut String) -> fmt::Result {
        let [one, five, fifteen] = self.load_averages().map(Load);
        let (running, all) = (self.running_tasks(), self.task_count());
        let (last_pid, _) = self.tasks.pids_given();
        writeln!(out, "{one} {five} {fifteen} {running}/{all} {last_pid}")
    }

    /// The classes of locks, each with those that were taken right under it.
    fn write_lockdep(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "all lock classes:")?;
        for (class, below) in self.lockdep.classes() {
            writeln!(out, "FD: {:>4} {}", below.len(), class.with_usage())?;
            below.iter().try_for_each(|other| writeln!(out, " -> {}", other.with_usage()))?;
        }
        Ok(())
    }

    fn write_lockdep_stats(&self, out: &mut String) -> fmt::Result {
        let (stats, locks) = self.lockdep.stats();
        let ((classes, most_classes), (orders, most_orders)) = (stats.classes, stats.orders);
        let mut line =
            |name: &str, number: usize, most: &str| writeln!(out, " {name:<30} {number:>11}{most}");
        line("lock-classes:", classes, &alloc::format!(" [max: {most_classes}]"))?;
        line("direct dependencies:", orders, &alloc::format!(" [max: {most_orders}]"))?;
        line("known locks:", locks, "")?;
        line("reports:", stats.findings, "")?;
        line("debug_locks:", usize::from(self.lockdep.is_on()), "")
    }

    fn write_meminfo(&self, out: &mut String) -> fmt::Result {
        let memory = self.machine.memory();
        let lines = [
            ("MemTotal:", memory.total),
            ("MemFree:", memory.free),
            ("MemAvailable:", memory.free),
            ("Buffers:", 0),
            ("Cached:", 0),
            ("SwapCached:", 0),
            ("SwapTotal:", 0),
            ("SwapFree:", 0),
        ];
        lines.iter().try_for_each(|(name, bytes)| writeln!(out, "{name:<16}{:>8} kB", bytes / 1024))
    }

    /// The time of CPUs is system time or idle time: there is no user space to run.
    fn write_system_stat(&self, out: &mut String) -> fmt::Result {
        let uptime = self.uptime().0;
        let ticks = |cpu| {
            let idle = self.idle_time(cpu).0.min(uptime);
            ((uptime - idle) / CENTISECOND, idle / CENTISECOND)
        };
        let cpus = || (0..self.nr_cpus()).map(ticks).enumerate();
        let (system, idle) =
            cpus().fold((0, 0), |sum, (_, (system, idle))| (sum.0 + system, sum.1 + idle));
        writeln!(out, "cpu  0 0 {system} {idle} 0 0 0 0 0 0")?;
        for (cpu, (system, idle)) in cpus() {
            writeln!(out, "cpu{cpu} 0 0 {system} {idle} 0 0 0 0 0 0")?;
        }
        let (_, processes) = self.tasks.pids_given();
        writeln!(out, "ctxt {}", self.context_switches())?;
        writeln!(out, "btime {}", self.boot_time.0 / 1_000_000_000)?;
        writeln!(out, "processes {processes}")?;
        writeln!(out, "procs_running {}\nprocs_blocked 0", self.running_tasks())
    }

    /// The lines of /proc/cpuinfo that hold for a CPU of any machine.
    fn write_cpuinfo(&self, out: &mut String) -> fmt::Result {
        let cpus = self.nr_cpus();
        for cpu in 0..cpus {
            writeln!(out, "processor\t: {cpu}")?;
            writeln!(out, "model name\t: kthreads virtual CPU")?;
            writeln!(out, "physical id\t: 0\nsiblings\t: {cpus}")?;
            writeln!(out, "core id\t\t: {cpu}\ncpu cores\t: {cpus}\n")?;
        }
        Ok(())
    }

    /// The kernel's own symbols by address, then those of modules, newest first.
    fn write_kallsyms(&self, out: &mut String) -> fmt::Result {
        let mut own = self.kernel_symbols().map_or_else(Default::default, |own| own.symbols());
        own.sort_by_key(|symbol| symbol.address);
        for symbol in own {
            writeln!(out, "{:016x} {} {}", symbol.address, symbol.letter, symbol.name)?;
        }
        for module in self.modules() {
            let Some(image) = module.image() else { continue };
            let name = module.name();
            for symbol in image.symbols() {
                let (address, letter) = (symbol.address, symbol.letter);
                writeln!(out, "{address:016x} {letter} {}\t[{name}]", symbol.name)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn loads_are_rounded_to_two_digits() {
        assert_eq!(Load(0).to_string(), "0.00");
        assert_eq!(Load(LOAD_ONE).to_string(), "1.00");
        assert_eq!(Load(LOAD_ONE / 2).to_string(), "0.50");
        // 0.0796 of a load that began five seconds ago.
        assert_eq!(Load(LOAD_ONE - 1884).to_string(), "0.08");
        assert_eq!(Load(12 * LOAD_ONE + 2047).to_string(), "13.00");
    }

    #[test]
    fn times_are_cut_to_two_digits() {
        assert_eq!(Seconds(Nanos(0)).to_string(), "0.00");
        assert_eq!(Seconds(Nanos(1_999_999_999)).to_string(), "1.99");
        assert_eq!(Seconds(Nanos(3_600_050_000_000)).to_string(), "3600.05");
    }
}
