//! From the loader's jump to the program's main function.

use alloc::alloc::{Layout, alloc};
use core::arch::global_asm;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use core::time::Duration;

use kthreads_base::Nanos;

use crate::frames::Region;
use crate::paging::{self, physical};
use crate::processor::{self, Processor};
use crate::pvh::LoaderInfo;
use crate::{acpi_tables, apic, clock, machine, outside, power, segments, serial, stacks, traps};

global_asm!(include_str!("boot.s"), options(att_syntax, raw));

/// What the loader gave to the program.
#[derive(Clone, Copy, Debug)]
pub struct Boot {
    /// The command line.
    pub command_line: &'static str,
    /// The initial RAM disk; empty if there is none.
    pub initrd: &'static [u8],
}

/// Names the program's main function, `fn(&Boot) -> u8`. It is called once, on the boot
/// processor, on a stack that is none of the kernel's; the machine ends with what it returns.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[unsafe(no_mangle)]
        fn kthreads_pc_main(boot: &$crate::Boot) -> u8 {
            let main: fn(&$crate::Boot) -> u8 = $main;
            main(boot)
        }
    };
}

unsafe extern "Rust" {
    fn kthreads_pc_main(boot: &Boot) -> u8;
}

unsafe extern "C" {
    static boot_start_info: u64;
    static mut entry_stack: u64;
    static mut entry_function: u64;
    static trampoline_start: u8;
    static trampoline_end: u8;
}

/// Where the other processors start, in real mode.
const TRAMPOLINE: u64 = 0x8000;
/// The lowest memory is the firmware's and the trampoline's.
const LOW_MEMORY: Region = Region { start: 0, end: 0x10_0000 };
const START_STACK_SIZE: usize = 16 * 1024;
/// How long a processor may take to start.
const PATIENCE: Nanos = Nanos::from_millis(500);

/// The boot processor comes here from boot.s, with interrupts off and the first 4 GiB mapped.
#[unsafe(no_mangle)]
extern "C" fn boot_entry() -> ! {
    serial::init();
    // SAFETY: boot.s left there what the loader passed.
    let Some(info) = (unsafe { LoaderInfo::at(boot_start_info) }) else {
        serial::write(b"kthreads: this loader does not speak the PVH protocol, version 1\n");
        power::exit(127);
    };
    let initrd = info.initrd();
    set_up_memory(&info, initrd);
    let boot = Boot {
        command_line: info.command_line(),
        // SAFETY: the loader put it there, and it was kept out of the free memory.
        initrd: initrd.map_or(&[], |region| unsafe {
            core::slice::from_raw_parts(physical(region.start), region.len() as usize)
        }),
    };
    set_up_processors(info.rsdp());
    outside::init();
    x86_64::instructions::interrupts::enable();
    // SAFETY: defined by `entry!` with this type.
    power::exit(unsafe { kthreads_pc_main(&boot) })
}

fn set_up_memory(info: &LoaderInfo, initrd: Option<Region>) {
    const FOUR_GIB: u64 = 4 << 30;
    let taken = [LOW_MEMORY, paging::image_region(), initrd.unwrap_or(LOW_MEMORY)];
    // What boot.s has mapped comes first: the page tables are made of it.
    for region in info.memory() {
        add(Region { end: region.end.min(FOUR_GIB), ..region }, &taken);
    }
    paging::init(info.memory().map(|region| region.end).max().unwrap_or(0));
    for region in info.memory() {
        add(Region { start: region.start.max(FOUR_GIB), ..region }, &taken);
    }
}

/// Adds what of a region lies outside of all that is taken.
fn add(region: Region, taken: &[Region]) {
    if region.is_empty() {
        return;
    }
    let Some((hole, others)) = taken.split_first() else {
        // Too many regions: what comes last is done without.
        let _ = paging::frames().lock().add(region);
        return;
    };
    for part in region.without(*hole) {
        add(part, others);
    }
}

fn set_up_processors(rsdp: u64) {
    stacks::init();
    traps::init();
    apic::mask_legacy();
    let devices = acpi_tables::read(rsdp);
    clock::init(devices.pm_timer);
    begin(processor::at(0));
    if let Some(input) = devices.serial_input {
        apic::route(input.controller, input.line, apic::Vector::Serial, processor::at(0));
        serial::enable_input();
    }
    start_others();
}

/// Makes the calling processor one of ours: its tables, its interrupt controller.
fn begin(me: &Processor) {
    let stack = stacks::alloc().expect("memory for a stack");
    me.exception_stack.store(stack.base(), Ordering::Relaxed);
    segments::load(stack.top());
    traps::load();
    apic::enable();
    me.is_online.store(true, Ordering::Release);
}

/// The processor that is being started.
static STARTING: AtomicPtr<Processor> = AtomicPtr::new(ptr::null_mut());

fn start_others() {
    let [start, end] = [&raw const trampoline_start, &raw const trampoline_end];
    let len = end as usize - start as usize;
    // SAFETY: copies the code of boot.s to a page below 1 MiB that nobody uses.
    unsafe { ptr::copy_nonoverlapping(start, physical(TRAMPOLINE), len) };
    let others = &processor::all()[1..];
    if others.is_empty() {
        return;
    }
    others.iter().for_each(|other| apic::send_init(other.apic_id.load(Ordering::Relaxed)));
    spin_for(Duration::from_millis(10), || false);
    for other in others {
        if !start_one(other) {
            let text = "kthreads: a processor does not start: it is done without\n";
            serial::write(text.as_bytes());
        }
    }
}

fn start_one(other: &Processor) -> bool {
    let Ok(layout) = Layout::from_size_align(START_STACK_SIZE, 16) else { return false };
    // SAFETY: the layout has a size.
    let stack = unsafe { alloc(layout) };
    if stack.is_null() {
        return false;
    }
    STARTING.store(ptr::from_ref(other).cast_mut(), Ordering::Release);
    // SAFETY: no processor is starting now that would read them.
    unsafe {
        entry_stack = stack as u64 + START_STACK_SIZE as u64;
        entry_function = other_entry as *const () as u64;
    }
    let apic_id = other.apic_id.load(Ordering::Relaxed);
    for _ in 0..2 {
        apic::send_start_up(apic_id, (TRAMPOLINE >> 12) as u8);
        let is_online = || other.is_online.load(Ordering::Acquire);
        if spin_for(Duration::from_nanos(PATIENCE.0), is_online) {
            return true;
        }
    }
    false
}

fn spin_for(time: Duration, is_done: impl Fn() -> bool) -> bool {
    let end = clock::now() + Nanos(time.as_nanos() as u64);
    while clock::now() < end {
        if is_done() {
            return true;
        }
        core::hint::spin_loop();
    }
    false
}

/// The other processors come here from boot.s, one at a time, with interrupts off.
extern "C" fn other_entry() -> ! {
    paging::enter();
    // SAFETY: set by the boot processor, which waits; processors are static.
    let me = unsafe { &*STARTING.load(Ordering::Acquire) };
    begin(me);
    machine::serve(me)
}
