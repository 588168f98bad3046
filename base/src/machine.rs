//! The one seam: what the kernel runs on.

use alloc::sync::Arc;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::AtomicU32;

use crate::frames::Sample;
use crate::{CpuLocal, Nanos, Stack};

/// What a range of module memory may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Nothing.
    None,
    /// Reading.
    Read,
    /// Reading and running.
    ReadExecute,
    /// Reading and writing.
    ReadWrite,
}

/// How much memory the machine gives to this instance, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryInfo {
    /// All of it.
    pub total: u64,
    /// What is not in use.
    pub free: u64,
}

/// What a thread did that the processor would not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultCause {
    /// It read from an address it may not read.
    Read,
    /// It wrote to an address it may not write.
    Write,
    /// It ran, or jumped to, what is no code.
    Execute,
    /// It used a non-canonical address (the processor does not tell which).
    NonCanonical,
    /// It ran into the guard page of its stack.
    StackOverflow,
    /// It divided by zero, or the quotient did not fit.
    Divide,
    /// It ran an invalid instruction.
    InvalidOpcode,
    /// Anything else; the number is the machine's own (on x86 the trap number).
    Other(u32),
}

/// A fault, with what is needed to explain it.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// What was done.
    pub cause: FaultCause,
    /// The address that was used, where the processor tells.
    pub address: Option<usize>,
    /// The instruction.
    pub ip: usize,
    /// The stack pointer there.
    pub sp: usize,
    /// The frame pointer there.
    pub bp: usize,
    /// rax rbx rcx rdx rsi rdi r8..r15 there.
    pub registers: [u64; 14],
}

/// A machine that is shared, at hand without a look at who else shares it.
#[derive(Clone)]
pub struct SharedMachine {
    machine: NonNull<dyn Machine>,
    keeps: Arc<dyn Machine>,
}

impl SharedMachine {
    /// The machine as others share it.
    pub fn arc(&self) -> &Arc<dyn Machine> {
        &self.keeps
    }
}

// SAFETY: a Machine is Send and Sync, and so is an Arc of it.
unsafe impl Send for SharedMachine {}
// SAFETY: as above.
unsafe impl Sync for SharedMachine {}

impl From<Arc<dyn Machine>> for SharedMachine {
    fn from(keeps: Arc<dyn Machine>) -> SharedMachine {
        SharedMachine { machine: NonNull::from(&*keeps), keeps }
    }
}

impl Deref for SharedMachine {
    type Target = dyn Machine;
    #[inline(always)]
    fn deref(&self) -> &(dyn Machine + 'static) {
        // SAFETY: what it points to is kept.
        unsafe { self.machine.as_ref() }
    }
}

/// What the kernel runs on: an ordinary process, a simulator, or bare metal.
///
/// A machine knows clocks, interrupts and memory; it has no word of kernel threads, waiting or
/// signals. What is hot is not here: the interrupt flag, the preemption count and need-resched are
/// plain fields reached from [`current_head`](crate::current_head), and all machines switch alike
/// ([`context`](crate::context)).
///
/// # Safety
///
/// The implementation must keep each method's contract: memory safety of the kernel rests on
/// the stacks and the module memory being what they say, and on interrupts
/// being taken only where [`Upcalls::interrupt`] allows.
pub unsafe trait Machine: Send + Sync {
    /// How many CPUs there are, 1 to 64.
    fn cpu_count(&self) -> u32;

    /// Time since the machine's start; never goes back, and is the same on all CPUs.
    fn now(&self) -> Nanos;

    /// The wall clock, in nanoseconds since 1970.
    fn wall_clock(&self) -> Nanos;

    /// Starts all CPUs: each calls [`Upcalls::cpu_main`] on a stack of its own, as the thread
    /// [`Upcalls::idle_head`] names, interrupts off. Keeps `upcalls` until every CPU has ended.
    fn start(&self, upcalls: Arc<dyn Upcalls>);

    /// Waits until every CPU has returned from `cpu_main`; drops the upcalls.
    fn join(&self);

    /// Makes an interrupt pending on `cpu` once `deadline` has come, replacing what was asked
    /// for before; [`Nanos::NEVER`] asks for none. May be called for the calling CPU only.
    fn set_timer(&self, cpu: u32, deadline: Nanos);

    /// Makes an interrupt pending on `cpu` (an inter-processor interrupt).
    fn send_interrupt(&self, cpu: u32);

    /// Rests the calling CPU until an interrupt is pending on it; called with interrupts off,
    /// returns with interrupts off. Returns at once if one is pending already.
    fn idle(&self, cpu: u32);

    /// Spends time on the calling CPU until `until` or until an interrupt is pending on it,
    /// whichever is first: the inside of a busy delay. With interrupts off it goes on until
    /// `until`, since what is pending could not be taken.
    fn delay(&self, cpu: u32, until: Nanos);

    /// One turn of a loop that waits for another CPU.
    fn relax(&self);

    /// Looks where the code of another CPU is, which goes on at once, or where the calling one was
    /// interrupted by the machine; None if it cannot be told. From any stack; takes no lock of the
    /// kernel.
    fn sample(&self, _cpu: u32) -> Option<Sample> {
        None
    }

    /// Has the kernel be told ([`Upcalls::excuse`]) if nothing could run for a while until now. It
    /// asks before it blames anybody for what took long. From any stack.
    fn look_for_stop(&self) {}

    /// One turn of a loop that waits for another CPU to make `word` zero.
    fn relax_for(&self, word: &AtomicU32) {
        let _ = word;
        self.relax();
    }

    /// Whether it explores what its CPUs do: else nobody calls [`step`](Machine::step),
    /// [`note`](Machine::note) and [`choose`](Machine::choose).
    fn explores(&self) -> bool {
        false
    }

    /// A point where a simulator may let another CPU go on. Not called while the running thread's
    /// [`points_left`](crate::Head::points_left) is counted down.
    fn step(&self) {}

    /// As [`step`](Machine::step), where code that comes to no point was brought to one by force.
    fn forced_step(&self) {
        self.step();
    }

    /// Takes note of what happened, for whoever explores or explains a run. The numbers mean what
    /// the kernel says they do.
    fn note(&self, kind: u32, object: usize, value: usize) {
        let _ = (kind, object, value);
    }

    /// Decides between `options` ways to go on, all of them right; 0 is the usual one.
    fn choose(&self, what: u32, options: u32) -> u32 {
        let _ = (what, options);
        0
    }

    /// Writes a message that must not be lost, without taking any lock of the kernel.
    fn console(&self, text: &[u8]);

    /// Takes a stack from the pool; its top word may be stale. None when there is no memory.
    fn stack_alloc(&self) -> Option<Stack>;

    /// Gives a stack back; nobody runs on it any more.
    fn stack_free(&self, stack: Stack);

    /// Maps `len` bytes of zeroed memory (whole pages) for module text and data, read-write.
    fn image_alloc(&self, len: usize) -> Option<NonNull<u8>>;

    /// Changes what part of module memory may be used for.
    ///
    /// # Safety
    ///
    /// The range is whole pages of one `image_alloc`, and nobody relies on what is taken away.
    unsafe fn image_protect(&self, start: NonNull<u8>, len: usize, access: Protection);

    /// Unmaps what `image_alloc` mapped.
    ///
    /// # Safety
    ///
    /// `start` and `len` are those of the allocation, and nobody uses it any more.
    unsafe fn image_free(&self, start: NonNull<u8>, len: usize);

    /// This instance's memory.
    fn memory(&self) -> MemoryInfo;

    /// A number that differs from boot to boot (a simulator: from seed to seed).
    fn entropy(&self) -> u64;

    /// Blocks the caller, which is *not* on a kernel stack, until `word` is not zero.
    fn wait_host(&self, word: &AtomicU32);

    /// Stores 1 to `word` and wakes who waits for it in `wait_host`; the word may vanish as soon
    /// as it is written.
    fn wake_host(&self, word: &AtomicU32);

    /// Calls `body`; if Rust code in it panics, returns the message. A machine that cannot
    /// unwind just calls it: there, its panic handler ends the thread.
    fn catch(&self, body: &mut dyn FnMut()) -> Result<(), alloc::string::String>;
}

/// What a machine calls in the kernel.
pub trait Upcalls: Send + Sync {
    /// The per-CPU block of `cpu`.
    fn local(&self, cpu: u32) -> &CpuLocal;

    /// The idle thread of `cpu`, which a CPU starts as.
    fn idle_head(&self, cpu: u32) -> &crate::Head;

    /// Runs `cpu`: the idle loop. Returns when the kernel has been told to stop.
    fn cpu_main(&self, cpu: u32);

    /// Handles the interrupts pending on the calling CPU. Called on the CPU's interrupt stack
    /// with interrupts off, by [`interrupt_point`](crate::interrupt_point).
    fn interrupt(&self);

    /// Runs what an interrupt has left to do; called by
    /// [`run_softirq`](crate::softirq::run_softirq), with interrupts off.
    fn softirq(&self) {}

    /// Gives the CPU to another thread if one should have it; called on a kernel stack with
    /// interrupts on and a preemption count of zero.
    fn preempt(&self);

    /// The body of every thread made with [`prepare`](crate::switch::prepare).
    fn thread_main(&self) -> !;

    /// Ends the running thread because of a fault. Called on a stack of the machine's own (a
    /// slot whose top word names the faulting thread), with interrupts off.
    fn fault(&self, fault: &Fault) -> !;

    /// Until when the machine may rest if nothing else wakes it: then it makes an interrupt
    /// pending on some CPU. Asked whenever it would rest; the answer changes without notice, but
    /// is good as long as no CPU runs. From any stack, touches atomics only.
    fn patience(&self) -> Nanos {
        Nanos::NEVER
    }

    /// Whether somebody outside waits for what the kernel does. A machine whose time jumps lets it
    /// jump to the end of the kernel's [`patience`](Upcalls::patience) only then: else what the
    /// threads wait for may be what somebody does next. From any stack, touches atomics only.
    fn is_awaited(&self) -> bool {
        true
    }

    /// Judges whether a CPU does one thing for too long: if so, have
    /// [`report_findings`](Upcalls::report_findings) called soon. To be asked several times a
    /// second for each CPU that does not rest. From any stack, touches atomics only.
    fn judge(&self, _cpu: u32) -> bool {
        false
    }

    /// Reports what [`judge`](Upcalls::judge) has found. Called on a kernel stack: as any thread,
    /// or by [`call_as_watcher`](crate::cpu::call_as_watcher).
    fn report_findings(&self) {}

    /// Tells that nothing could run for `span` although time passed, since the host did not let
    /// it: nobody is to be blamed for it. From any stack, touches atomics only.
    fn excuse(&self, _span: Nanos) {}

    /// The thread that a machine's watcher, which is no CPU, runs as, and a block for it.
    fn watcher(&self) -> Option<(&crate::Head, &CpuLocal)> {
        None
    }

    /// Ends the running thread, which [`TIF_KILLED`](crate::head::TIF_KILLED) was set for. Called
    /// where it stands in no function of the kernel.
    fn killed(&self) {}

    /// Whether the kernel behaves otherwise than usual, so that its threads have to look out for
    /// that as they do where a machine explores. The answer never changes.
    fn is_unusual(&self) -> bool {
        false
    }

    /// Tells that the clock has reached `now`. May come at any time, from anywhere, on any
    /// stack, also from no CPU at all; touches atomics only.
    fn clock(&self, now: Nanos);
}
