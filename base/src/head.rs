//! The running thread, found from the stack pointer, and what every thread begins with.
//!
//! What is hot is here, as plain fields of the running thread: the interrupt flag, the preemption
//! count, the request to reschedule. Only the thread itself writes the first two, so they are
//! changed by loads and stores; what interrupts it puts back what it found.

use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{
    AtomicI32, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, compiler_fence,
};

use crate::cpu::CpuLocal;
use crate::held::HeldLocks;
use crate::stack::{self, SLOT_SIZE};

/// The bit of [`Head::ti_flags`] that asks for a reschedule (TIF_NEED_RESCHED).
pub const TIF_NEED_RESCHED: u64 = 1 << 3;

/// The bit of [`Head::ti_flags`] that asks a thread to end where it stands in no function of the
/// kernel: at the end of a call from a module, or in module text. Linux has no such bit, and uses
/// none of this number on x86-64.
pub const TIF_KILLED: u64 = 1 << 30;

/// The bit of [`Head::flags`] of a thread that ends.
pub const PF_EXITING: u32 = 0x4;

/// What every thread begins with: the part of C's `struct task_struct` that modules see, and the
/// saved context. Sizes and offsets are those of include/linux/sched.h.
#[repr(C)]
#[derive(Debug, Default)]
pub struct Head {
    /// `thread_info.flags`: TIF bits.
    pub ti_flags: AtomicU64,
    /// `__state`: the TASK_ bits the thread sleeps in, 0 when it is to run.
    pub state: AtomicU32,
    /// What the scheduler knows besides; changed together with the state by
    /// [`change_state`](Head::change_state).
    pub rest: AtomicU32,
    /// The preemption count, laid out as Linux does: preempt, softirq, hardirq, nmi.
    pub preempt_count: AtomicU32,
    /// 1 while interrupts are off for this thread.
    pub irqs_off: AtomicU32,
    pub(crate) cpu: AtomicPtr<CpuLocal>,
    /// `flags`: PF_ bits.
    pub flags: AtomicU32,
    /// The index of the thread's slot.
    pub index: AtomicU32,
    /// `pid`.
    pub pid: AtomicI32,
    /// `tgid`.
    pub tgid: AtomicI32,
    /// `comm`: at most 15 bytes and a NUL.
    pub comm: [AtomicU8; 16],
    /// `mm`: the address space it owns, null for a kernel thread.
    pub mm: AtomicUsize,
    /// `active_mm`: the address space it runs in.
    pub active_mm: AtomicUsize,
    /// `parent`: address of a Head.
    pub parent: AtomicUsize,
    /// `real_parent`: address of a Head.
    pub real_parent: AtomicUsize,
    /// `group_leader`: address of a Head.
    pub group_leader: AtomicUsize,
    /// `prio`: 0..99 real-time, 100..139 fair.
    pub prio: AtomicI32,
    /// `static_prio`: 120 + nice.
    pub static_prio: AtomicI32,
    /// `normal_prio`.
    pub normal_prio: AtomicI32,
    /// `rt_priority`: 1..99, 0 for fair threads.
    pub rt_priority: AtomicU32,
    /// `policy`: SCHED_NORMAL 0, SCHED_FIFO 1, SCHED_RR 2.
    pub policy: AtomicU32,
    /// `exit_code`.
    pub exit_code: AtomicI32,
    /// `exit_state`.
    pub exit_state: AtomicI32,
    /// `exit_signal`.
    pub exit_signal: AtomicI32,
    /// `nr_cpus_allowed`.
    pub nr_cpus_allowed: AtomicI32,
    /// `on_cpu`.
    pub on_cpu: AtomicI32,
    /// `cpus_ptr`: address of `cpus_mask`.
    pub cpus_ptr: AtomicUsize,
    /// `cpus_mask`: the CPUs it may run on.
    pub cpus_mask: AtomicU64,
    /// `nvcsw`: how often it gave up the CPU.
    pub nvcsw: AtomicU64,
    /// `nivcsw`: how often it was preempted.
    pub nivcsw: AtomicU64,
    /// `utime`, in nanoseconds.
    pub utime: AtomicU64,
    /// `stime`, in nanoseconds.
    pub stime: AtomicU64,
    /// `start_time`, in nanoseconds since boot.
    pub start_time: AtomicU64,
    /// `stack`: the lowest address of its stack.
    pub stack: AtomicUsize,
    /// `blocked`: the signals it has blocked.
    pub blocked: AtomicU64,
    /// `sighand`: address of what C sees as struct sighand_struct.
    pub sighand: AtomicUsize,
    /// `signal`.
    pub signal: AtomicUsize,
    /// `nsproxy`.
    pub nsproxy: AtomicUsize,
    /// `journal_info`.
    pub journal_info: AtomicUsize,
    /// `usage`: how many references keep the thread's slot.
    pub usage: AtomicU32,
    /// How many points a machine that explores lets the thread pass by counting them down.
    pub points_left: AtomicU32,
    pub(crate) sp: AtomicUsize,
    /// The locks it holds, for reports.
    pub held: HeldLocks,
    /// The address of the spin lock that it waits for, 0 while it waits for none.
    pub spins_on: AtomicUsize,
}

const _: () = assert!(core::mem::offset_of!(Head, sp) == 256);
// Both halves are one aligned word.
const _: () = assert!(core::mem::offset_of!(Head, state).is_multiple_of(8));
const _: () = assert!(core::mem::offset_of!(Head, rest) == core::mem::offset_of!(Head, state) + 4);

/// A thread's state and what the scheduler knows besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateWord {
    /// [`Head::state`].
    pub state: u32,
    /// [`Head::rest`].
    pub rest: u32,
}

impl StateWord {
    fn bits(self) -> u64 {
        u64::from(self.rest) << 32 | u64::from(self.state)
    }
}

/// The head of the thread that runs here. Not to be kept: it is this thread's own.
#[derive(Clone, Copy, Debug)]
pub struct Current {
    head: NonNull<Head>,
    /// Whether a machine explores what the thread does, or the kernel is unusual.
    is_observed: bool,
    _not_send: PhantomData<*const ()>,
}

impl Current {
    /// Whether a machine explores what the thread does, or the kernel is unusual
    /// ([`Upcalls::is_unusual`](crate::Upcalls::is_unusual)).
    #[inline(always)]
    pub fn is_observed(self) -> bool {
        self.is_observed
    }

    /// The thread, as one that nobody observes; None if somebody does. Where the compiler knows so
    /// much, points, notes and deliberate faults cost nothing.
    #[inline(always)]
    pub fn unobserved(self) -> Option<Current> {
        if self.is_observed { None } else { Some(Current { is_observed: false, ..self }) }
    }

    /// The number of the CPU the thread runs on.
    #[inline(always)]
    pub fn cpu(self) -> u32 {
        self.local().number
    }

    /// The address of the head, as a stack's top word holds it.
    pub(crate) fn as_ptr(self) -> *const Head {
        self.head.as_ptr()
    }
}

impl Deref for Current {
    type Target = Head;
    #[inline]
    fn deref(&self) -> &Head {
        // SAFETY: a thread's head outlives the frames on its stack, and a Current does not leave
        // its thread.
        unsafe { self.head.as_ref() }
    }
}

#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    // Miri runs no instructions, and nobody is on a kernel stack there.
    if cfg!(miri) {
        return 0;
    }
    let sp: usize;
    // SAFETY: reads a register.
    unsafe {
        core::arch::asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack, preserves_flags));
    }
    sp
}

/// The head of the running thread.
///
/// # Panics
///
/// When the caller is not on a kernel stack: use the kernel's `enter`.
#[inline(always)]
pub fn current_head() -> Current {
    if !stack::in_range(stack_pointer()) {
        not_on_a_kernel_stack();
    }
    // SAFETY: that was just looked at.
    unsafe { current_on_cpu_unchecked().0 }
}

/// The running thread, and the block of its CPU.
///
/// # Safety
///
/// The caller is on a kernel stack, and does not use the block after it may have changed its CPU.
#[inline(always)]
pub(crate) unsafe fn current_on_cpu_unchecked<'a>() -> (Current, &'a CpuLocal) {
    let top = (stack_pointer() | (SLOT_SIZE - 1)) - (size_of::<usize>() - 1);
    // SAFETY: code runs on a slot only through `prepare`, `enter_cpu` or the interrupt path,
    // which set the top word to a live head first; blocks live as long as the kernel.
    unsafe {
        let head = NonNull::new_unchecked(*(top as *const *mut Head));
        let local = &*core::ptr::from_ref(head.as_ref().local());
        let is_observed = local.attached().is_observed;
        (Current { head, is_observed, _not_send: PhantomData }, local)
    }
}

/// Whether the caller is on a kernel stack, so that [`current_head`] may be called.
#[inline]
pub fn on_kernel_stack() -> bool {
    stack::in_range(stack_pointer())
}

#[cold]
#[inline(never)]
fn not_on_a_kernel_stack() -> ! {
    panic!("this thread is not one of the kernel's: use kernel.enter()");
}

impl Head {
    /// The state and its rest. They are read one after the other: [`change_state`](Head::change_state)
    /// tells whether they belonged together.
    #[inline]
    pub fn state_word(&self) -> StateWord {
        let state = self.state.load(Ordering::Acquire);
        StateWord { state, rest: self.rest.load(Ordering::Acquire) }
    }

    /// Changes the state and its rest together if they are still `from`; returns whether they
    /// were. A full barrier.
    #[inline]
    pub fn change_state(&self, from: StateWord, to: StateWord) -> bool {
        let changed: u8;
        // Modules store the lower half alone, which Rust's atomics of one size cannot express; the
        // processor orders both as accesses of one cache line.
        //
        // SAFETY: the word is the state and its rest, 8-byte aligned (asserted above), both of
        // them atomics; the instruction reads and writes nothing else.
        unsafe {
            core::arch::asm!(
                "lock cmpxchg [{head} + {state}], {to}",
                "sete {changed}",
                head = in(reg) core::ptr::from_ref(self),
                state = const core::mem::offset_of!(Head, state),
                to = in(reg) to.bits(),
                changed = out(reg_byte) changed,
                inout("rax") from.bits() => _,
                options(nostack),
            );
        }
        changed != 0
    }

    /// Whether the context is saved whole, so that it may be resumed or freed.
    #[inline]
    pub fn is_saved(&self) -> bool {
        self.sp.load(Ordering::Acquire) != 0
    }

    /// The saved stack pointer of a thread that does not run, for a back trace.
    pub fn saved_stack_pointer(&self) -> Option<usize> {
        Some(self.sp.load(Ordering::Acquire)).filter(|sp| *sp != 0)
    }

    #[inline(always)]
    pub(crate) fn local(&self) -> &CpuLocal {
        // SAFETY: set before the thread runs for the first time; per-CPU blocks live as long as
        // the kernel, which outlives its threads.
        unsafe { &*self.cpu.load(Ordering::Relaxed) }
    }

    /// The number of the CPU the thread runs on, or ran on last; 0 before it first ran.
    #[inline(always)]
    pub fn cpu(&self) -> u32 {
        let local = self.cpu.load(Ordering::Relaxed);
        // SAFETY: as in `local`, when not null.
        if local.is_null() { 0 } else { unsafe { (*local).number } }
    }

    /// Raises the preemption count.
    #[inline(always)]
    pub fn preempt_add(&self, amount: u32) {
        let count = self.preempt_count.load(Ordering::Relaxed);
        self.preempt_count.store(count.wrapping_add(amount), Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
    }

    /// Lowers the preemption count; no rescheduling point.
    #[inline(always)]
    pub fn preempt_sub(&self, amount: u32) {
        compiler_fence(Ordering::SeqCst);
        let count = self.preempt_count.load(Ordering::Relaxed);
        self.preempt_count.store(count.wrapping_sub(amount), Ordering::Relaxed);
    }

    /// Turns interrupts off; returns what the flag was.
    #[inline(always)]
    pub fn irq_save(&self) -> u32 {
        let old = self.irqs_off.load(Ordering::Relaxed);
        self.irqs_off.store(1, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        old
    }

    /// Turns interrupts off, for a caller that knows that they are on.
    #[inline(always)]
    pub fn irq_disable(&self) {
        self.irqs_off.store(1, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
    }

    /// Puts the interrupt flag back; takes what is pending if they are on now.
    #[inline(always)]
    pub fn irq_restore(&self, old: u32) {
        compiler_fence(Ordering::SeqCst);
        self.irqs_off.store(old, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        if old == 0 && self.local().pending.load(Ordering::Relaxed) != 0 {
            crate::interrupt::deliver();
        }
    }

    /// Puts the interrupt flag back, for a caller that comes to a point next: what is pending is
    /// taken there.
    #[inline(always)]
    pub fn irq_restore_before_point(&self, old: u32) {
        compiler_fence(Ordering::SeqCst);
        self.irqs_off.store(old, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
    }

    /// One turn of a loop that waits for another CPU.
    #[inline]
    pub fn relax(&self) {
        self.local().attached().machine().relax();
        if self.irqs_off.load(Ordering::Relaxed) == 0 {
            self.irq_restore(0);
        }
    }

    /// One turn of a loop that waits for a lock's word to become zero.
    #[inline]
    pub(crate) fn relax_for(&self, word: &AtomicU32) {
        self.local().attached().machine().relax_for(word);
        if self.irqs_off.load(Ordering::Relaxed) == 0 {
            self.irq_restore(0);
        }
    }
}

/// A type whose first field is a [`Head`]; made by [`head_first!`](crate::head_first).
///
/// # Safety
///
/// The type is `repr(C)` and its first field is a `Head`.
pub unsafe trait HeadFirst {
    /// The head.
    fn head(&self) -> &Head;
}

/// Declares that a `repr(C)` type begins with a [`Head`] in the named field.
#[macro_export]
macro_rules! head_first {
    ($type:ty, $field:ident) => {
        const _: () = assert!(core::mem::offset_of!($type, $field) == 0);
        // SAFETY: the offset is checked above.
        unsafe impl $crate::head::HeadFirst for $type {
            fn head(&self) -> &$crate::Head {
                &self.$field
            }
        }
    };
}
