//! What the parent says of a child that died.

use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::atomic::Ordering;

use kthreads_host::CpuNote;
use kthreads_kernel::log::{LOG_LINE_MAX, LogLine, Read, Reader, Ring};

use super::shared::{Death, Shared, Trace};
use super::symbols::Symbols;

const ORDER: Ordering = Ordering::Relaxed;
/// How many lines of the log are shown at most: it may have been written over.
const MOST_LINES: usize = 1 << 16;
/// How many places of a trace are shown.
const MOST_PLACES: usize = 12;

/// Tells how the child died, what of the log was not shown, and where a module was last.
pub(super) fn tell(shared: Shared, end: ExitStatus) {
    let mut out = io::stderr().lock();
    // Nobody is left to tell if standard error cannot be written.
    let _ = write_all(&mut out, shared, end);
}

fn write_all(out: &mut impl Write, shared: Shared, end: ExitStatus) -> io::Result<()> {
    let death = &shared.head().death;
    writeln!(out, "kthreads: {}", how(end, death))?;
    write_log(out, shared)?;
    write_places(out, shared)?;
    let who = match end.signal() {
        Some(libc::SIGKILL) => "somebody ended it by force, or the host ran out of memory",
        Some(_) => "a module wrote where it must not, or kthreads has a bug",
        None => "a module called the host's exit, or wrote where it must not",
    };
    writeln!(out, "kthreads: {who}")
}

fn how(end: ExitStatus, death: &Death) -> String {
    let Some(signal) = end.signal() else {
        let code = end.code().unwrap_or_default();
        return format!("the program ended with status {code} before its time");
    };
    let name = signal_name(signal).map(|name| format!(" ({name})")).unwrap_or_default();
    let is_fault = [libc::SIGSEGV, libc::SIGBUS].contains(&signal)
        && death.signal.load(Ordering::Acquire) == signal as u32
        && death.has_address.load(ORDER) != 0;
    let address = death.address.load(ORDER);
    let access = if is_fault { format!(", accessing {address:#x}") } else { String::new() };
    format!("the program died of signal {signal}{name}{access}")
}

fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGILL => "SIGILL",
        libc::SIGFPE => "SIGFPE",
        libc::SIGABRT => "SIGABRT",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGSYS => "SIGSYS",
        libc::SIGKILL => "SIGKILL",
        _ => return None,
    })
}

fn write_log(out: &mut impl Write, shared: Shared) -> io::Result<()> {
    let Some(ring) = Ring::attach(shared.log()) else {
        return writeln!(out, "kthreads: the log was written over");
    };
    let shown = shared.head().shown.load(ORDER);
    let mut reader = Reader { next: shown.clamp(ring.oldest(), ring.next().max(ring.oldest())) };
    if reader.next < ring.next() {
        writeln!(out, "kthreads: the log, as far as it was not shown:")?;
    }
    let mut buffer = [0; LOG_LINE_MAX];
    for _ in 0..MOST_LINES {
        match reader.read(&ring, &mut buffer) {
            Read::Nothing => break,
            Read::Dropped(_) => {}
            Read::Record { info, text, .. } => {
                writeln!(out, "{}", LogLine { time: info.time, text })?;
            }
        }
    }
    Ok(())
}

/// Writes where modules were: at least the last line of one, if it can be known.
fn write_places(out: &mut impl Write, shared: Shared) -> io::Result<()> {
    let mut symbols = Symbols::new(shared);
    let death = &shared.head().death;
    let mut is_known =
        write_trace(out, &trace(&mut symbols, &death.at), "the last module line was")?;
    for (cpu, at) in death.cpus.iter().enumerate() {
        let places = trace(&mut symbols, at);
        is_known |= write_trace(out, &places, &format!("CPU {cpu} was in"))?;
    }
    if is_known {
        return Ok(());
    }
    let places = last_places(shared);
    if places.is_empty() {
        return writeln!(out, "kthreads: where a module was last is not known");
    }
    places.iter().try_for_each(|place| writeln!(out, "kthreads: {place}"))
}

/// Writes a trace; says whether there was something to write.
fn write_trace(out: &mut impl Write, places: &[String], what: &str) -> io::Result<bool> {
    let Some((last, callers)) = places.split_first() else { return Ok(false) };
    writeln!(out, "kthreads: {what} {last}")?;
    callers.iter().try_for_each(|place| writeln!(out, "kthreads:   called from {place}"))?;
    Ok(true)
}

/// The places in modules that a thread had on its stack, innermost first.
fn trace(symbols: &mut Symbols, trace: &Trace) -> Vec<String> {
    if trace.is_done.load(Ordering::Acquire) == 0 {
        return Vec::new();
    }
    let at = symbols.place(trace.ip.load(ORDER));
    let words = trace.words.iter().map(|word| word.load(ORDER)).take_while(|word| *word != 0);
    let callers = words.filter_map(|word| symbols.return_place(word));
    at.into_iter().chain(callers).take(MOST_PLACES).collect()
}

/// Where each CPU was last interrupted in module text.
pub(super) fn last_places(shared: Shared) -> Vec<String> {
    let mut symbols = Symbols::new(shared);
    let cpus = shared.head().cpus.iter().enumerate();
    let place = |(cpu, note): (usize, &CpuNote)| {
        let place = symbols.place(note.last_text.load(ORDER))?;
        Some(format!("CPU {cpu} was last interrupted at {place}"))
    };
    cpus.filter_map(place).collect()
}
