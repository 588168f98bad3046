//! Time: the processor's time stamp counter, measured once; and the wall clock.
//!
//! Nothing is counted in ticks: an emulated machine loses them.
//!
//! The clock can stand (see rest.rs). It is read without a lock: `STANDS_AT` says at what time it
//! stands, or NEVER while it runs; `SKEW` is what standing and jumping have added to the counter's
//! time. Whoever lets the clock run on sets `SKEW` first. A reader that saw the clock run just
//! before it was stopped returns the time it had then, or a little later; nobody runs then who
//! could tell.

use core::sync::atomic::{AtomicU64, Ordering};

use kthreads_base::Nanos;
use x86_64::instructions::port::Port;

use crate::apic;
use crate::paging::physical;

/// The counter at power-on, and nanoseconds a count, as a fraction of 2^32.
static ORIGIN: AtomicU64 = AtomicU64::new(0);
static SCALE: AtomicU64 = AtomicU64::new(0);
/// Added to the counter's time, wrapping.
static SKEW: AtomicU64 = AtomicU64::new(0);
static STANDS_AT: AtomicU64 = AtomicU64::new(RUNS);
const RUNS: u64 = u64::MAX;
/// The wall clock when the machine's clock was zero, in seconds since 1970.
static WALL_SECONDS: AtomicU64 = AtomicU64::new(0);

/// How long the counter is measured, at least.
const MEASURED_NANOS: u64 = 10_000_000;

unsafe extern "C" {
    static boot_tsc: u64;
}

fn counter() -> u64 {
    // SAFETY: reads a register.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Measures the counter and the interrupt timer against a clock whose rate is known: the ACPI power
/// management timer at `pm_timer`, or else the interval timer that every PC has.
///
/// An emulated processor may be stopped for long at any point. So the clocks are read in pairs,
/// each time the one pair of several that took the shortest, and how long the measurement takes
/// does not matter.
pub(crate) fn init(pm_timer: Option<u16>) {
    let reference = Reference::new(pm_timer);
    apic::begin_calibration();
    let first = read_together(|| reference.turns());
    let first_of_apic = read_together(apic::timer_turns);
    while reference.nanos(first.value, reference.turns()) < MEASURED_NANOS {}
    let last = read_together(|| reference.turns());
    let last_of_apic = read_together(apic::timer_turns);
    let counts = last.counter - first.counter;
    let nanos = reference.nanos(first.value, last.value);
    let scale = (u128::from(nanos) << 32) / u128::from(counts.max(1));
    SCALE.store(scale as u64, Ordering::Relaxed);
    let counts_of_apic = u128::from(last_of_apic.counter - first_of_apic.counter);
    let nanos_of_apic = ((counts_of_apic * scale) >> 32) as u64;
    apic::end_calibration(last_of_apic.value - first_of_apic.value, nanos_of_apic);
    // The symbol is a physical address.
    let start = physical(&raw const boot_tsc as u64).cast::<u64>();
    // SAFETY: written by boot.s before any Rust ran.
    ORIGIN.store(unsafe { start.read() }, Ordering::Relaxed);
    WALL_SECONDS.store(read_wall_clock() - counted() / 1_000_000_000, Ordering::Relaxed);
}

/// The counter and another clock at nearly the same time.
struct Pair {
    counter: u64,
    value: u64,
}

fn read_together(read: impl Fn() -> u64) -> Pair {
    const TRIES: u32 = 16;
    let mut shortest = u64::MAX;
    let mut best = Pair { counter: 0, value: 0 };
    for _ in 0..TRIES {
        let before = counter();
        let value = read();
        let took = counter() - before;
        if took < shortest {
            shortest = took;
            best = Pair { counter: before + took / 2, value };
        }
    }
    best
}

/// A clock whose rate is known.
enum Reference {
    /// The ACPI power management timer, at this port: 24 bits at 3.579545 MHz.
    PowerManagement(u16),
    /// Channel 2 of the interval timer: 16 bits down at 1.193182 MHz.
    Interval,
}

impl Reference {
    fn new(pm_timer: Option<u16>) -> Reference {
        if let Some(port) = pm_timer {
            return Reference::PowerManagement(port);
        }
        let mut gate = Port::<u8>::new(0x61);
        // SAFETY: starts the second channel from its highest count; nobody else uses it.
        unsafe {
            let old = gate.read() & !3;
            gate.write(old | 1);
            Port::<u8>::new(0x43).write(0xb4);
            Port::<u8>::new(0x42).write(0xff);
            Port::<u8>::new(0x42).write(0xff);
        }
        Reference::Interval
    }

    /// The turns it has made, as far as its bits go.
    fn turns(&self) -> u64 {
        match self {
            Reference::PowerManagement(port) => {
                // SAFETY: reading the timer has no effect.
                let turns = unsafe { Port::<u32>::new(*port).read() };
                u64::from(turns & 0xff_ffff)
            }
            // SAFETY: latches and reads the count.
            Reference::Interval => unsafe {
                Port::<u8>::new(0x43).write(0x80);
                let low = Port::<u8>::new(0x42).read();
                let high = Port::<u8>::new(0x42).read();
                u64::from(u16::MAX - u16::from_le_bytes([low, high]))
            },
        }
    }

    /// The time between two readings.
    fn nanos(&self, from: u64, to: u64) -> u64 {
        let (mask, hertz) = match self {
            Reference::PowerManagement(_) => (0xff_ffff, 3_579_545),
            Reference::Interval => (0xffff, 1_193_182),
        };
        (to.wrapping_sub(from) & mask) * 1_000_000_000 / hertz
    }
}

/// Nanoseconds since power-on by the counter alone.
#[inline]
fn counted() -> u64 {
    let counts = counter().wrapping_sub(ORIGIN.load(Ordering::Relaxed));
    ((u128::from(counts) * u128::from(SCALE.load(Ordering::Relaxed))) >> 32) as u64
}

/// The time.
#[inline]
pub(crate) fn now() -> Nanos {
    match STANDS_AT.load(Ordering::Acquire) {
        RUNS => Nanos(counted().wrapping_add(SKEW.load(Ordering::Acquire))),
        time => Nanos(time),
    }
}

/// Stops the clock at a time. Under the lock of rest.rs.
pub(crate) fn stand_at(time: Nanos) {
    STANDS_AT.store(time.0, Ordering::Release);
}

/// Whether the clock stands.
pub(crate) fn stands() -> bool {
    STANDS_AT.load(Ordering::Acquire) != RUNS
}

/// Lets the clock run on from where it stands. Under the lock of rest.rs.
pub(crate) fn run_on() {
    let time = STANDS_AT.load(Ordering::Acquire);
    if time != RUNS {
        SKEW.store(time.wrapping_sub(counted()), Ordering::Release);
        STANDS_AT.store(RUNS, Ordering::Release);
    }
}

/// The wall clock: nanoseconds since 1970. It goes with the machine's clock.
pub(crate) fn wall_clock() -> Nanos {
    Nanos(WALL_SECONDS.load(Ordering::Relaxed) * 1_000_000_000) + now()
}

/// A number that differs from boot to boot, as far as the processor can tell.
pub(crate) fn entropy() -> u64 {
    /// The bit of CPUID's leaf 1 (ecx) that tells of the instruction.
    const RDRAND: u32 = 1 << 30;
    let mut random = counter().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    if core::arch::x86_64::__cpuid(1).ecx & RDRAND != 0 {
        let number: u64;
        // SAFETY: the processor has the instruction; it writes a register and the flags.
        unsafe { core::arch::asm!("rdrand {}", out(reg) number, options(nomem, nostack)) };
        random ^= number;
    }
    random
}

/// Reads the battery-backed clock: seconds since 1970.
fn read_wall_clock() -> u64 {
    loop {
        let first = read_cmos();
        if first == read_cmos() {
            return seconds_since_1970(first);
        }
    }
}

/// Reads second, minute, hour, day, month and year once no update is under way.
fn read_cmos() -> [u8; 6] {
    while cmos(0x0a) & 0x80 != 0 {}
    let is_binary = cmos(0x0b) & 4 != 0;
    [0, 2, 4, 7, 8, 9].map(|register| match cmos(register) {
        value if is_binary => value,
        coded => (coded >> 4) * 10 + (coded & 15),
    })
}

fn cmos(register: u8) -> u8 {
    // SAFETY: the clock's index and data ports; read at the start only.
    unsafe {
        Port::<u8>::new(0x70).write(register);
        Port::<u8>::new(0x71).read()
    }
}

fn seconds_since_1970([second, minute, hour, day, month, year]: [u8; 6]) -> u64 {
    let (year, month, day) = (2000 + u64::from(year), u64::from(month), u64::from(day));
    // Years that begin in March end with the leap day.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    ((days * 24 + u64::from(hour)) * 60 + u64::from(minute)) * 60 + u64::from(second)
}
