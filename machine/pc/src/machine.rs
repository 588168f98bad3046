//! The machine: made, started, joined.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use kthreads_base::frames::Sample;
use kthreads_base::{
    Machine, MemoryInfo, Nanos, Protection, Stack, Upcalls, current_head, on_kernel_stack,
};
use x86_64::instructions::interrupts;

use crate::processor::{self, Processor};
use crate::rest::{self, Clock, Heeds};
use crate::{apic, clock, heap, image, lockup, outside, paging, serial, stacks};

/// A busy delay shorter than this is spent spinning.
const SHORTEST_REST: Nanos = Nanos::from_micros(50);

/// How to make a machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct PcConfig {
    /// How many processors to use; 0 for all there are.
    pub cpus: u32,
    /// How time passes.
    pub clock: Clock,
}

/// Why there is no machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PcError {
    /// There is one already, and one set of processors.
    InUse,
    /// There are not so many processors: so many there are.
    CpuCount(u32),
    /// There is no memory for stacks.
    NoMemory,
}

impl fmt::Display for PcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PcError::InUse => f.write_str("the machine is in use: end the kernel on it first"),
            PcError::CpuCount(count) => {
                write!(f, "this machine has {count} CPUs, not as many as were asked for")
            }
            PcError::NoMemory => f.write_str("there is no memory for the CPUs' stacks"),
        }
    }
}

impl core::error::Error for PcError {}

/// The machine that this program was booted on.
pub struct PcMachine {
    config: PcConfig,
    idle_stacks: Box<[Stack]>,
}

static IS_IN_USE: AtomicBool = AtomicBool::new(false);
/// The kernel, from `start` to the end of `join`: a boxed `Arc<dyn Upcalls>`.
static UPCALLS: AtomicPtr<Arc<dyn Upcalls>> = AtomicPtr::new(ptr::null_mut());
/// The machine, for the CPUs that start; set and cleared with the above.
static MACHINE: AtomicPtr<PcMachine> = AtomicPtr::new(ptr::null_mut());
/// CPUs that are to start, one a bit; each clears its own.
static TO_START: [AtomicBool; processor::MAX_PROCESSORS] =
    [const { AtomicBool::new(false) }; processor::MAX_PROCESSORS];
/// CPUs that have not ended.
static ALIVE: AtomicU32 = AtomicU32::new(0);
/// Not zero once all have.
static ALL_ENDED: AtomicU32 = AtomicU32::new(0);
/// The top of the stack on which the boot processor enters its idle loop.
static BOOT_CPU_STACK: AtomicUsize = AtomicUsize::new(0);

/// The kernel, while it runs.
pub(crate) fn upcalls() -> Option<&'static dyn Upcalls> {
    // SAFETY: null, or the box that `join` frees once no CPU runs; only they ask.
    unsafe { UPCALLS.load(Ordering::Acquire).as_ref() }.map(|upcalls| &**upcalls)
}

/// Tells the kernel what time it is.
pub(crate) fn tell_time(now: Nanos) {
    if let Some(upcalls) = upcalls() {
        upcalls.clock(now);
    }
}

/// Until when the kernel lets its CPUs rest if nothing else wakes them.
pub(crate) fn patience() -> Nanos {
    upcalls().map_or(Nanos::NEVER, Upcalls::patience)
}

/// As [`patience`], but for ever while nobody outside waits for what the kernel does.
pub(crate) fn patience_of_the_awaited() -> Nanos {
    if upcalls().is_some_and(Upcalls::is_awaited) { patience() } else { Nanos::NEVER }
}

impl PcMachine {
    /// Makes the machine; its CPUs do not run yet. There can be one at a time.
    ///
    /// # Errors
    ///
    /// When there is one, when it has fewer processors, or no memory for their stacks.
    pub fn new(config: PcConfig) -> Result<Arc<PcMachine>, PcError> {
        let there = processor::all().len() as u32;
        let cpus = if config.cpus == 0 { there } else { config.cpus };
        if cpus > there {
            return Err(PcError::CpuCount(there));
        }
        if IS_IN_USE.swap(true, Ordering::AcqRel) {
            return Err(PcError::InUse);
        }
        let idle_stacks: Box<[Stack]> = (0..cpus).map_while(|_| stacks::alloc()).collect();
        let is_complete = idle_stacks.len() == cpus as usize;
        let machine = PcMachine { config: PcConfig { cpus, ..config }, idle_stacks };
        if is_complete { Ok(Arc::new(machine)) } else { Err(PcError::NoMemory) }
    }

    /// Keeps the time of a fast-forward machine from jumping until the hold is dropped. Does
    /// nothing to a real clock.
    pub fn hold_clock(&self) -> ClockHold {
        rest::hold();
        ClockHold(())
    }
}

impl Drop for PcMachine {
    fn drop(&mut self) {
        for stack in core::mem::take(&mut self.idle_stacks) {
            stacks::free(stack);
        }
        IS_IN_USE.store(false, Ordering::Release);
    }
}

/// Keeps time from jumping, until dropped.
#[must_use]
pub struct ClockHold(());

impl Drop for ClockHold {
    fn drop(&mut self) {
        rest::let_go();
    }
}

/// Runs a CPU of the started machine from its start to its end. On a stack that is no kernel
/// stack, with interrupts on.
fn run_cpu(me: &Processor) {
    // SAFETY: `start` set it before this CPU was asked to start, and `join` waits for its end.
    let machine = unsafe { &*MACHINE.load(Ordering::Acquire) };
    let Some(upcalls) = upcalls() else { return };
    let number = me.number();
    me.is_cpu.store(true, Ordering::SeqCst);
    // Interrupts that came before may have been for timers that are set already.
    interrupts::without_interrupts(|| rest::on_interrupt(me));
    kthreads_base::cpu::enter_cpu(upcalls, number, &machine.idle_stacks[number as usize]);
    rest::leave();
    // An interrupt that has seen the kernel is over when the next line is reached: it was on this
    // processor.
    me.is_cpu.store(false, Ordering::SeqCst);
    if ALIVE.fetch_sub(1, Ordering::AcqRel) == 1 {
        machine.wake_host(&ALL_ENDED);
    }
}

extern "C" fn boot_cpu() -> ! {
    interrupts::enable();
    run_cpu(processor::at(0));
    outside::leave()
}

/// What a processor other than the first does for good: CPUs of one kernel after the other.
pub(crate) fn serve(me: &Processor) -> ! {
    let to_start = &TO_START[me.number() as usize];
    loop {
        interrupts::disable();
        if !to_start.swap(false, Ordering::AcqRel) {
            interrupts::enable_and_hlt();
            continue;
        }
        interrupts::enable();
        run_cpu(me);
    }
}

// SAFETY: stacks are handed out once (see stacks.rs) and are
// mapped; real interrupts only make virtual ones pending, which are taken where base allows it;
// module memory is mapped and protected as asked.
unsafe impl Machine for PcMachine {
    fn cpu_count(&self) -> u32 {
        self.config.cpus
    }

    fn now(&self) -> Nanos {
        clock::now()
    }

    fn wall_clock(&self) -> Nanos {
        clock::wall_clock()
    }

    fn start(&self, upcalls: Arc<dyn Upcalls>) {
        for number in 0..self.config.cpus {
            processor::at(number).attach(upcalls.local(number));
        }
        rest::begin(self.config.clock, self.config.cpus);
        ALIVE.store(self.config.cpus, Ordering::Release);
        ALL_ENDED.store(0, Ordering::Release);
        MACHINE.store(ptr::from_ref(self).cast_mut(), Ordering::Release);
        UPCALLS.store(Box::into_raw(Box::new(upcalls)), Ordering::Release);
        if BOOT_CPU_STACK.load(Ordering::Relaxed) == 0 {
            let top = image::map_with_guard(stacks::STACK_SIZE as u64);
            BOOT_CPU_STACK.store(top.expect("memory for a stack"), Ordering::Relaxed);
        }
        let top = BOOT_CPU_STACK.load(Ordering::Relaxed);
        // SAFETY: the stack is this CPU's alone; what ran on it before has ended for good.
        outside::set_cpu(unsafe { kthreads_base::context::prepare_at(top, boot_cpu) });
        for number in 1..self.config.cpus {
            TO_START[number as usize].store(true, Ordering::Release);
            apic::send(processor::at(number), apic::Vector::Kick);
        }
    }

    fn join(&self) {
        if ALIVE.load(Ordering::Acquire) != 0 {
            self.wait_host(&ALL_ENDED);
        }
        for number in 0..self.config.cpus {
            processor::at(number).attach(ptr::null());
        }
        let upcalls = UPCALLS.swap(ptr::null_mut(), Ordering::AcqRel);
        MACHINE.store(ptr::null_mut(), Ordering::Release);
        if !upcalls.is_null() {
            // SAFETY: made by `start`, taken out by the swap; no CPU runs any more.
            drop(unsafe { Box::from_raw(upcalls) });
        }
    }

    fn set_timer(&self, cpu: u32, deadline: Nanos) {
        rest::set_timer(processor::at(cpu), deadline);
    }

    fn send_interrupt(&self, cpu: u32) {
        let to = processor::at(cpu);
        let was_pending = to.raise();
        rest::disturb(to, was_pending);
    }

    fn idle(&self, cpu: u32) {
        rest::rest(processor::at(cpu), Nanos::NEVER, Heeds::Interrupts);
        tell_time(clock::now());
    }

    fn delay(&self, cpu: u32, until: Nanos) {
        let me = processor::at(cpu);
        let is_deaf = on_kernel_stack() && current_head().irqs_off.load(Ordering::Relaxed) != 0;
        if self.config.clock == Clock::FastForward || until - self.now() >= SHORTEST_REST {
            let heeds = if is_deaf { Heeds::Nothing } else { Heeds::Interrupts };
            return rest::rest(me, until, heeds);
        }
        let raised = me.raised.load(Ordering::SeqCst);
        let is_disturbed =
            || !is_deaf && (me.is_pending() || me.raised.load(Ordering::SeqCst) != raised);
        while self.now() < until && !is_disturbed() {
            core::hint::spin_loop();
        }
    }

    fn sample(&self, cpu: u32) -> Option<Sample> {
        lockup::sample(cpu)
    }

    fn relax(&self) {
        core::hint::spin_loop();
    }

    fn console(&self, text: &[u8]) {
        serial::write(text);
    }

    fn stack_alloc(&self) -> Option<Stack> {
        stacks::alloc()
    }

    fn stack_free(&self, stack: Stack) {
        stacks::free(stack);
    }

    fn image_alloc(&self, len: usize) -> Option<NonNull<u8>> {
        image::alloc(len)
    }

    unsafe fn image_protect(&self, start: NonNull<u8>, len: usize, access: Protection) {
        image::protect(start, len, access);
    }

    unsafe fn image_free(&self, start: NonNull<u8>, len: usize) {
        image::free(start, len);
    }

    fn memory(&self) -> MemoryInfo {
        let frames = paging::frames().lock();
        MemoryInfo { total: frames.total(), free: frames.free() + heap::free() }
    }

    fn entropy(&self) -> u64 {
        clock::entropy()
    }

    fn wait_host(&self, word: &AtomicU32) {
        outside::wait(word);
    }

    fn wake_host(&self, word: &AtomicU32) {
        word.store(1, Ordering::Release);
        outside::ring();
    }

    fn catch(&self, body: &mut dyn FnMut()) -> Result<(), String> {
        body();
        Ok(())
    }
}
