//! The program: from the machine's start to its exit status.

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use kthreads_base::with_current;
use kthreads_kernel::Kernel;
use kthreads_pc::{Boot, serial};
use kthreads_tests::contract::Rig;
use kthreads_tests::plan::Plan;

use crate::runner::Runner;

const PASSED: u8 = 0;
const FAILED: u8 = 1;
const USAGE: u8 = 2;

kthreads_pc::entry!(main);

/// Whether what runs on the machine is a kernel, or a rig of the contract's.
static IS_KERNEL: AtomicBool = AtomicBool::new(true);

/// Says what will run on the machine from now on: who is asked to end a thread that panics.
pub(crate) fn runs_kernel(is_kernel: bool) {
    IS_KERNEL.store(is_kernel, Ordering::SeqCst);
}

fn main(boot: &Boot) -> u8 {
    match Plan::parse(boot.command_line) {
        Ok(plan) if Runner::new(&plan).run(boot.initrd) => PASSED,
        Ok(_) => FAILED,
        Err(error) => {
            write(format_args!("tests: {error}\n"));
            USAGE
        }
    }
}

/// Writes to the serial line.
pub(crate) fn write(text: core::fmt::Arguments<'_>) {
    serial::write(alloc::format!("{text}").as_bytes());
}

#[panic_handler]
fn panicked(info: &PanicInfo<'_>) -> ! {
    kthreads_pc::panicked(info, end_thread)
}

fn end_thread(message: &str) -> ! {
    if IS_KERNEL.load(Ordering::SeqCst) {
        with_current(|kernel: &Kernel, _| kernel.die_of_panic(&kernel.cx(), message))
    } else {
        with_current(|rig: &Rig, _| rig.die_of_panic(message))
    }
}
