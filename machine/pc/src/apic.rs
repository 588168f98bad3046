//! Interrupt controllers: the local one of each processor and the one for devices.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use x86_64::instructions::port::Port;

use crate::paging::physical;
use crate::processor::Processor;

/// What an interrupt vector is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Vector {
    /// The local timer.
    Timer = 0x40,
    /// The serial line.
    Serial = 0x41,
    /// Something is pending for the kernel (an inter-processor interrupt).
    Kick = 0xf0,
    /// Forget page tables.
    Flush = 0xf1,
    /// Stop for good.
    Stop = 0xf2,
    /// The controller's own, when what it would have told is gone.
    Spurious = 0xff,
}

const ID: usize = 0x20;
const END: usize = 0xb0;
const SPURIOUS: usize = 0xf0;
const COMMAND_LOW: usize = 0x300;
const COMMAND_HIGH: usize = 0x310;
const TIMER: usize = 0x320;
const TIMER_INITIAL: usize = 0x380;
const TIMER_CURRENT: usize = 0x390;
const TIMER_DIVIDE: usize = 0x3e0;

const ENABLE: u32 = 1 << 8;
const MASKED: u32 = 1 << 16;
const DIVIDE_BY_16: u32 = 3;
const BUSY: u32 = 1 << 12;
const INIT: u32 = 0x4500;
const START_UP: u32 = 0x4600;
const FIXED: u32 = 0x4000;

/// Where the local controllers' registers lie, each processor's own at one address.
static LOCAL: AtomicU64 = AtomicU64::new(0xfee0_0000);
/// Turns of the timer a millisecond.
static TIMER_RATE: AtomicU32 = AtomicU32::new(0);

/// Tells where the local controllers lie, as the firmware says.
pub(crate) fn set_address(address: u64) {
    LOCAL.store(address, Ordering::Relaxed);
}

fn register(offset: usize) -> *mut u32 {
    // SAFETY: stays inside the register page.
    unsafe { physical(LOCAL.load(Ordering::Relaxed)).add(offset).cast() }
}

fn read(offset: usize) -> u32 {
    // SAFETY: a register of the local controller, mapped uncached; reading has no effect.
    unsafe { register(offset).read_volatile() }
}

fn write(offset: usize, value: u32) {
    // SAFETY: a register of the local controller; the callers write what it is defined for.
    unsafe { register(offset).write_volatile(value) };
}

/// The id of the calling processor's controller.
pub(crate) fn id() -> u32 {
    read(ID) >> 24
}

/// Turns the calling processor's controller on.
pub(crate) fn enable() {
    write(SPURIOUS, ENABLE | Vector::Spurious as u32);
    write(TIMER_DIVIDE, DIVIDE_BY_16);
    write(TIMER, Vector::Timer as u32);
}

/// Ends the interrupt that is being handled.
pub(crate) fn end_of_interrupt() {
    write(END, 0);
}

/// Starts the timer for a measurement.
pub(crate) fn begin_calibration() {
    write(TIMER_DIVIDE, DIVIDE_BY_16);
    write(TIMER, MASKED);
    write(TIMER_INITIAL, u32::MAX);
}

/// How many turns the timer has made since the measurement began.
pub(crate) fn timer_turns() -> u64 {
    u64::from(u32::MAX - read(TIMER_CURRENT))
}

/// Ends a measurement in which the timer made so many turns in so many nanoseconds.
pub(crate) fn end_calibration(turns: u64, nanos: u64) {
    TIMER_RATE.store((turns * 1_000_000 / nanos.max(1)) as u32, Ordering::Relaxed);
    write(TIMER_INITIAL, 0);
}

/// Sets the calling processor's timer to go off once, in `nanos` nanoseconds or a second at most.
pub(crate) fn set_timer(nanos: u64) {
    let rate = u64::from(TIMER_RATE.load(Ordering::Relaxed));
    let turns = nanos.min(1_000_000_000) * rate / 1_000_000;
    write(TIMER_INITIAL, (turns + 1).min(u64::from(u32::MAX)) as u32);
}

/// Turns the calling processor's timer off.
pub(crate) fn stop_timer() {
    write(TIMER_INITIAL, 0);
}

/// Sends an interrupt to a processor.
pub(crate) fn send(to: &Processor, vector: Vector) {
    command(to.apic_id.load(Ordering::Relaxed), FIXED | vector as u32);
}

/// Resets a processor that waits to be started.
pub(crate) fn send_init(apic_id: u32) {
    command(apic_id, INIT);
}

/// Starts a processor that was reset, in real mode at `page * 4096`.
pub(crate) fn send_start_up(apic_id: u32, page: u8) {
    command(apic_id, START_UP | u32::from(page));
}

fn command(apic_id: u32, low: u32) {
    // An interrupt in between would use the same two registers.
    x86_64::instructions::interrupts::without_interrupts(|| {
        while read(COMMAND_LOW) & BUSY != 0 {
            core::hint::spin_loop();
        }
        write(COMMAND_HIGH, apic_id << 24);
        write(COMMAND_LOW, low);
    });
}

/// Masks the two old interrupt controllers, which would use the vectors of exceptions.
pub(crate) fn mask_legacy() {
    for port in [0x21, 0xa1] {
        // SAFETY: masks all lines; nobody uses these controllers.
        unsafe { Port::<u8>::new(port).write(0xff) };
    }
}

/// Has the device controller at `address` send its `line` as `vector` to a processor.
pub(crate) fn route(address: u64, line: u32, vector: Vector, to: &Processor) {
    let low = 0x10 + 2 * line;
    let apic_id = to.apic_id.load(Ordering::Relaxed);
    write_device(address, low + 1, apic_id << 24);
    write_device(address, low, vector as u32);
}

fn write_device(address: u64, register: u32, value: u32) {
    let window: *mut u32 = physical(address).cast();
    // SAFETY: the controller's index and data registers, mapped uncached; used at the start only.
    unsafe {
        window.write_volatile(register);
        window.add(4).write_volatile(value);
    }
}
