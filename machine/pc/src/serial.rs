//! The serial line: the first 16550, in and out.
//!
//! Output is written at once, with the lock of the line, from any context. Input is taken from
//! the device by its interrupt into a ring, where [`read`] finds it.

use core::sync::atomic::{AtomicU32, Ordering};

use uart_16550::backend::PioBackend;
use uart_16550::spec::registers::IER;
use uart_16550::{Config, Uart16550};

use crate::hard_lock::HardLock;
use crate::outside;

const PORT: u16 = 0x3f8;
const RING: usize = 4096;

struct Line {
    device: Option<Uart16550<PioBackend>>,
    ring: [u8; RING],
    read: usize,
    written: usize,
}

static LINE: HardLock<Line> =
    HardLock::new(Line { device: None, ring: [0; RING], read: 0, written: 0 });
/// Not zero when there may be input; a strand that reads waits for it.
static HAS_INPUT: AtomicU32 = AtomicU32::new(0);

/// Sets the device up; without one, output is lost and there is no input.
pub(crate) fn init() {
    // SAFETY: this is the only user of these ports.
    let Ok(mut device) = (unsafe { Uart16550::new_port(PORT) }) else { return };
    if device.init(Config::default()).is_ok() {
        LINE.lock().device = Some(device);
    }
}

/// Has the device interrupt when input comes.
pub(crate) fn enable_input() {
    if let Some(device) = &mut LINE.lock().device {
        device.enable_interrupts(IER::DATA_READY);
    }
}

/// Writes text; `\n` becomes `\r\n`. From any context.
pub fn write(text: &[u8]) {
    let mut line = LINE.lock();
    let Some(device) = &mut line.device else { return };
    for byte in text {
        if *byte == b'\n' {
            device.send_bytes_exact(b"\r");
        }
        device.send_bytes_exact(core::slice::from_ref(byte));
    }
}

/// Writes text after a crash: a lock that somebody died with is passed by.
pub(crate) fn write_at_any_price(text: &[u8]) {
    for _ in 0..1_000_000 {
        if !LINE.is_locked() {
            return write(text);
        }
        core::hint::spin_loop();
    }
    // SAFETY: the processors are stopped or dead; whoever held the lock will not go on.
    unsafe { LINE.force_unlock() };
    write(text);
}

/// What the device's interrupt does: takes what has come.
pub(crate) fn take_input() {
    let mut line = LINE.lock();
    let Line { device: Some(device), ring, read, written } = &mut *line else { return };
    let mut came = false;
    while let Ok(byte) = device.try_receive_byte() {
        came = true;
        // What nobody reads in time is lost.
        if *written - *read < RING {
            ring[*written % RING] = byte;
            *written += 1;
        }
    }
    drop(line);
    if came {
        HAS_INPUT.store(1, Ordering::Release);
        outside::ring();
    }
}

/// Reads a byte if there is one.
pub fn try_read() -> Option<u8> {
    let mut line = LINE.lock();
    if line.read == line.written {
        return None;
    }
    let byte = line.ring[line.read % RING];
    line.read += 1;
    Some(byte)
}

/// Reads a byte; the calling strand, outside the kernel, waits until there is one.
pub fn read() -> u8 {
    loop {
        HAS_INPUT.store(0, Ordering::SeqCst);
        if let Some(byte) = try_read() {
            return byte;
        }
        outside::wait(&HAS_INPUT);
    }
}
