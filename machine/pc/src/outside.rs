//! What runs outside the kernel on this machine: strands, as host threads are in a process.
//!
//! The first is the program itself, from its start; others follow the log or read the serial
//! line. They run on the boot processor, one at a time and until they wait, whenever one of them
//! is ready and the CPU that this processor is rests, or could take an interrupt. To the kernel
//! it is as if that CPU were slow for the moment: nothing of its state is touched, and it holds
//! no lock then, since virtual interrupts are on.
//!
//! All switching is done on the boot processor with its interrupts off, so a plain list will do.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use kthreads_base::on_kernel_stack;
use x86_64::instructions::interrupts;

use crate::apic::{self, Vector};
use crate::hard_lock::HardLock;
use crate::{image, processor};

const STACK_SIZE: u64 = 256 * 1024;

struct Strand {
    /// Where it goes on; 0 while it runs.
    resume: AtomicUsize,
    /// What it waits for; null when it is ready.
    word: AtomicPtr<AtomicU32>,
    body: HardLock<Option<Box<dyn FnOnce() + Send>>>,
}

impl Strand {
    fn is_ready(&self) -> bool {
        let word = self.word.load(Ordering::Acquire);
        // SAFETY: the word lies in memory that the waiting strand keeps until it goes on.
        self.resume.load(Ordering::Relaxed) != 0
            && (word.is_null() || unsafe { (*word).load(Ordering::Acquire) } != 0)
    }
}

static STRANDS: HardLock<Vec<&'static Strand>> = HardLock::new(Vec::new());
/// The strand that runs, or ran last.
static CURRENT: AtomicPtr<Strand> = AtomicPtr::new(ptr::null_mut());
/// Where the boot processor's CPU goes on while a strand runs; 0 while it runs or there is none.
static CPU: AtomicUsize = AtomicUsize::new(0);
/// Whether a strand may be ready that was not looked at.
static IS_WANTED: AtomicBool = AtomicBool::new(false);

/// Makes the running program the first strand.
pub(crate) fn init() {
    let strand = Box::leak(Box::new(Strand {
        resume: AtomicUsize::new(0),
        word: AtomicPtr::new(ptr::null_mut()),
        body: HardLock::new(None),
    }));
    CURRENT.store(strand, Ordering::Release);
    STRANDS.lock().push(strand);
}

/// Starts another strand, as std's thread::spawn does on a host. Strands share the boot processor
/// and give it up when they wait ([`Machine::wait_host`](kthreads_base::Machine::wait_host),
/// [`serial::read`](crate::serial::read)) or end. Called from outside the kernel.
///
/// # Panics
///
/// When there is no memory for its stack, or the caller is in the kernel.
pub fn spawn_outside(body: impl FnOnce() + Send + 'static) {
    assert!(!on_kernel_stack(), "strands are started from outside the kernel");
    let top = image::map_with_guard(STACK_SIZE).expect("memory for a stack");
    // SAFETY: the memory was just mapped for this stack.
    let resume = unsafe { kthreads_base::context::prepare_at(top, begin) };
    let strand = Box::leak(Box::new(Strand {
        resume: AtomicUsize::new(resume),
        word: AtomicPtr::new(ptr::null_mut()),
        body: HardLock::new(Some(Box::new(body))),
    }));
    STRANDS.lock().push(strand);
    IS_WANTED.store(true, Ordering::Release);
}

fn current() -> &'static Strand {
    // SAFETY: set by `init` before anything else here, to strands that are never freed.
    unsafe { &*CURRENT.load(Ordering::Acquire) }
}

extern "C" fn begin() -> ! {
    interrupts::enable();
    let body = current().body.lock().take();
    if let Some(body) = body {
        body();
    }
    // Its stack and its entry stay: strands are few, and end with the program.
    let never = AtomicU32::new(0);
    loop {
        wait(&never);
    }
}

fn next_ready() -> Option<&'static Strand> {
    STRANDS.lock().iter().copied().find(|strand| strand.is_ready())
}

/// Has the calling strand wait until `word` is not zero.
pub(crate) fn wait(word: &AtomicU32) {
    let me = current();
    while word.load(Ordering::Acquire) == 0 {
        interrupts::disable();
        me.word.store(ptr::from_ref(word).cast_mut(), Ordering::Release);
        if word.load(Ordering::Acquire) == 0 {
            give_up(me);
        }
        me.word.store(ptr::null_mut(), Ordering::Release);
        interrupts::enable();
    }
}

/// Gives the processor to another strand, or to its CPU, or rests it.
fn give_up(me: &Strand) {
    if let Some(next) = next_ready() {
        return switch(&me.resume, next);
    }
    let cpu = CPU.swap(0, Ordering::AcqRel);
    if cpu == 0 {
        return interrupts::enable_and_hlt();
    }
    // SAFETY: the CPU's context was saved by `run`, or made by `set_cpu`, and taken out once.
    unsafe { kthreads_base::context::switch(&me.resume, cpu) };
}

fn switch(save: &AtomicUsize, next: &'static Strand) {
    let resume = next.resume.swap(0, Ordering::AcqRel);
    CURRENT.store(ptr::from_ref(next).cast_mut(), Ordering::Release);
    // SAFETY: a ready strand's context is saved whole, and the swap takes it out once.
    unsafe { kthreads_base::context::switch(save, resume) };
}

/// Gives the boot processor's CPU a context to begin with.
pub(crate) fn set_cpu(resume: usize) {
    CPU.store(resume, Ordering::Release);
}

/// Ends the boot processor's CPU: the strands have the processor to themselves.
pub(crate) fn leave() -> ! {
    interrupts::disable();
    let nowhere = AtomicUsize::new(0);
    loop {
        if let Some(next) = next_ready() {
            switch(&nowhere, next);
        }
        interrupts::enable_and_hlt();
        interrupts::disable();
    }
}

/// Whether a strand may be ready.
pub(crate) fn is_wanted() -> bool {
    IS_WANTED.load(Ordering::Acquire)
}

/// Lets the strands run that are ready. On the boot processor's CPU, with interrupts off.
pub(crate) fn run() {
    IS_WANTED.store(false, Ordering::SeqCst);
    while let Some(next) = next_ready() {
        switch(&CPU, next);
    }
}

/// Has the strands looked at. From any context on any processor.
pub(crate) fn ring() {
    IS_WANTED.store(true, Ordering::SeqCst);
    apic::send(processor::at(0), Vector::Kick);
}
