//! The end: with an exit status, or of something that cannot be survived.

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use alloc::string::ToString;

use kthreads_base::frames::{Chain, Frame, Place};
use kthreads_base::on_kernel_stack;
use x86_64::instructions::port::Port;
use x86_64::instructions::{hlt, interrupts};

use crate::apic::{self, Vector};
use crate::{processor, serial, traps};

/// QEMU's device that ends it with status `(value << 1) | 1`.
const DEBUG_EXIT: u16 = 0xf4;
/// The status of a machine that has died.
const DEAD: u8 = 127;
/// How many calls are printed of who dies.
const MOST_CALLS: u32 = 32;
/// Where a PC of QEMU's keeps the register that turns the power off, and what turns it off.
const POWER_PORTS: [(u16, u16); 2] = [(0x604, 0x2000), (0xb004, 0x2000)];

/// Ends the machine with an exit status.
pub fn exit(status: u8) -> ! {
    interrupts::disable();
    // SAFETY: ends the machine; where the device is missing nothing happens.
    unsafe { Port::<u32>::new(DEBUG_EXIT).write(u32::from(status)) };
    for (port, value) in POWER_PORTS {
        // SAFETY: as above.
        unsafe { Port::<u16>::new(port).write(value) };
    }
    loop {
        interrupts::disable();
        hlt();
    }
}

/// The serial line, for text that must come out now.
pub(crate) struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        serial::write_at_any_price(text.as_bytes());
        Ok(())
    }
}

static LAST_WORDS: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());
static IS_DYING: AtomicBool = AtomicBool::new(false);

/// Has `words` called before the machine dies: to print what the kernel's log still holds, say. It
/// must take no lock.
pub fn set_last_words(words: fn()) {
    LAST_WORDS.store(words as *mut (), Ordering::Release);
}

fn begin_dying() {
    interrupts::disable();
    if IS_DYING.swap(true, Ordering::AcqRel) {
        exit(DEAD);
    }
    processor::others().for_each(|other| apic::send(other, Vector::Stop));
    let words = LAST_WORDS.load(Ordering::Acquire);
    if !words.is_null() {
        // SAFETY: only `set_last_words` stores there, functions of this type.
        let words: fn() = unsafe { core::mem::transmute(words) };
        words();
    }
}

/// Ends the machine because of an exception that cannot be survived.
pub(crate) fn die(what: fmt::Arguments<'_>, frame: &traps::Frame) -> ! {
    begin_dying();
    let cpu = processor::this().number();
    // Writing to the console does not fail.
    let _ = writeln!(Console, "kthreads: fatal: {what}, CPU {cpu}: the machine stops");
    let _ = write!(Console, "{frame}");
    print_calls(frame.place());
    exit(DEAD)
}

/// Prints where calls return to, outwards from a place; whoever has the image knows the names.
fn print_calls(place: Place) {
    let _ = writeln!(Console, "Call Trace:");
    let mut left = MOST_CALLS;
    let chain = place.for_each_frame(|frame| {
        if let (Frame::Return(address), 1..) = (frame, left) {
            left -= 1;
            let _ = writeln!(Console, " {address:#x}");
        }
    });
    if chain == Chain::Broken {
        let _ = writeln!(Console, " ...");
    }
}

/// What a program's panic handler does: inside a kernel thread it calls `in_thread` with the
/// message, which ends that thread; anywhere else, or when an invariant is broken
/// ([`kthreads_base::fatal`]), it prints the message and ends the machine with status 127.
pub fn panicked(info: &PanicInfo<'_>, in_thread: fn(&str) -> !) -> ! {
    if on_kernel_stack() && !kthreads_base::is_fatal() && !IS_DYING.load(Ordering::Acquire) {
        in_thread(&info.to_string());
    }
    begin_dying();
    let cpu = processor::this().number();
    // Writing to the console does not fail.
    let _ = writeln!(Console, "kthreads: fatal: CPU {cpu}: {info}");
    print_calls(Place::here());
    exit(DEAD)
}
