//! The running thread: found from the stack pointer, and the giving of a CPU to another.
//!
//! # Who may run a context
//!
//! [`Head`] keeps the saved stack pointer of a thread that does not run, and zero while it runs.
//! [`switch_to`] takes the pointer of the next thread out with a swap, so a thread cannot be
//! resumed twice, and the machine stores the pointer of the last one only after the last touch
//! of its stack (a release store; x86 stores are). Whoever reads it non-zero with acquire
//! ([`Head::is_saved`]) may resume the thread or free its stack.
//!
//! # Interrupts
//!
//! `irqs_off` is the interrupt flag of the thread that runs. A machine marks an interrupt
//! pending in [`CpuLocal`]; it is delivered when the flag is on: at once by a machine that
//! interrupts module text, else by [`Head::irq_restore`] and [`interrupt_point`]. Both store the
//! flag before they read `pending`, a machine sets `pending` before it reads the flag, all on one
//! CPU, so an interrupt is never left behind.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::any::TypeId;
use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ops::Deref;
use core::pin::Pin;
use core::ptr::NonNull;
use core::sync::atomic::{
    AtomicBool, AtomicI32, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
    compiler_fence,
};

use crate::held::HeldLocks;
use crate::machine::{Machine, Upcalls};
use crate::stack::{self, SLOT_SIZE, Stack};

/// The bit of [`Head::ti_flags`] that asks for a reschedule (TIF_NEED_RESCHED).
pub const TIF_NEED_RESCHED: u64 = 1 << 3;

/// The bit of [`Head::ti_flags`] that asks a thread to end where it stands in no function of the
/// kernel: at the end of a call from a module, or in module text. Linux has no such bit.
pub const TIF_KILLED: u64 = 1 << 40;

/// What every thread begins with: the part of C's `struct task_struct` that modules see, and the
/// saved context. Sizes and offsets are those of include/linux/sched.h.
#[repr(C)]
#[derive(Debug, Default)]
pub struct Head {
    /// `thread_info.flags`: TIF bits.
    pub ti_flags: AtomicU64,
    /// `__state`: the TASK_ bits the thread sleeps in, 0 when it is to run.
    pub state: AtomicU32,
    _state_high: AtomicU32,
    /// The preemption count, laid out as Linux does: preempt, softirq, hardirq, nmi.
    pub preempt_count: AtomicU32,
    /// 1 while interrupts are off for this thread.
    pub irqs_off: AtomicU32,
    cpu: AtomicPtr<CpuLocal>,
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
    _end: AtomicU32,
    sp: AtomicUsize,
    /// The locks it holds, for reports.
    pub held: HeldLocks,
    /// The address of the spin lock that it waits for, 0 while it waits for none.
    pub spins_on: AtomicUsize,
}

const _: () = assert!(core::mem::offset_of!(Head, sp) == 256);

/// The head of the thread that runs here. Not to be kept: it is this thread's own.
#[derive(Clone, Copy, Debug)]
pub struct Current {
    head: NonNull<Head>,
    _not_send: PhantomData<*const ()>,
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
fn stack_pointer() -> usize {
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
    let sp = stack_pointer();
    if !stack::in_range(sp) {
        not_on_a_kernel_stack();
    }
    let top = (sp | (SLOT_SIZE - 1)) - (size_of::<usize>() - 1);
    // SAFETY: code runs on a slot only through `prepare`, `enter_cpu` or the interrupt path,
    // which set the top word to a live head first.
    let head = unsafe { NonNull::new_unchecked(*(top as *const *mut Head)) };
    Current { head, _not_send: PhantomData }
}

/// Whether the caller is on a kernel stack, so that [`current_head`] may be called.
pub fn on_kernel_stack() -> bool {
    stack::in_range(stack_pointer())
}

#[cold]
#[inline(never)]
fn not_on_a_kernel_stack() -> ! {
    panic!("this thread is not one of the kernel's: use kernel.enter()");
}

impl Head {
    /// Whether the context is saved whole, so that it may be resumed or freed.
    #[inline]
    pub fn is_saved(&self) -> bool {
        self.sp.load(Ordering::Acquire) != 0
    }

    /// The saved stack pointer of a thread that does not run, for a back trace.
    pub fn saved_stack_pointer(&self) -> Option<usize> {
        Some(self.sp.load(Ordering::Acquire)).filter(|sp| *sp != 0)
    }

    #[inline]
    fn local(&self) -> &CpuLocal {
        // SAFETY: set before the thread runs for the first time; per-CPU blocks live as long as
        // the kernel, which outlives its threads.
        unsafe { &*self.cpu.load(Ordering::Relaxed) }
    }

    /// The number of the CPU the thread runs on, or ran on last; 0 before it first ran.
    #[inline]
    pub fn cpu(&self) -> u32 {
        let local = self.cpu.load(Ordering::Relaxed);
        // SAFETY: as in `local`, when not null.
        if local.is_null() { 0 } else { unsafe { (*local).number } }
    }

    /// Raises the preemption count.
    #[inline]
    pub fn preempt_add(&self, amount: u32) {
        let count = self.preempt_count.load(Ordering::Relaxed);
        self.preempt_count.store(count.wrapping_add(amount), Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
    }

    /// Lowers the preemption count; no rescheduling point.
    #[inline]
    pub fn preempt_sub(&self, amount: u32) {
        compiler_fence(Ordering::SeqCst);
        let count = self.preempt_count.load(Ordering::Relaxed);
        self.preempt_count.store(count.wrapping_sub(amount), Ordering::Relaxed);
    }

    /// Turns interrupts off; returns what the flag was.
    #[inline]
    pub fn irq_save(&self) -> u32 {
        let old = self.irqs_off.load(Ordering::Relaxed);
        self.irqs_off.store(1, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        old
    }

    /// Puts the interrupt flag back; takes what is pending if they are on now.
    #[inline]
    pub fn irq_restore(&self, old: u32) {
        compiler_fence(Ordering::SeqCst);
        self.irqs_off.store(old, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        if old == 0 && self.local().pending.load(Ordering::Relaxed) != 0 {
            deliver();
        }
    }

    #[inline]
    pub(crate) fn step(&self) {
        let local = self.local();
        if local.explored.load(Ordering::Relaxed) {
            local.attached().machine.step();
        }
    }

    /// One turn of a loop that waits for another CPU.
    #[inline]
    pub fn relax(&self) {
        self.local().attached().machine.relax();
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

/// Makes `thread` ready to begin on `stack`, in [`Upcalls::thread_main`].
pub fn prepare<T: HeadFirst>(thread: Pin<&T>, stack: &Stack, machine: &dyn Machine) {
    let head = thread.get_ref().head();
    // SAFETY: the stack is owned and unused; the thread is pinned, so its address stays.
    unsafe { stack.top_word().write(head) };
    head.stack.store(stack.base(), Ordering::Relaxed);
    head.sp.store(machine.context_new(stack, thread_start), Ordering::Release);
}

extern "C" fn thread_start() -> ! {
    current_head().local().attached().upcalls().thread_main()
}

/// Gives the CPU to `next`; returns when somebody gives it back. Interrupts must be off.
///
/// The program ends if `next` runs already: two CPUs on one stack cannot be survived.
#[inline]
pub fn switch_to<T: HeadFirst>(next: Pin<&T>) {
    let current = current_head();
    let next = next.get_ref().head();
    next.cpu.store(current.cpu.load(Ordering::Relaxed), Ordering::Relaxed);
    let resume = next.sp.swap(0, Ordering::AcqRel);
    if resume == 0 {
        crate::fatal("a thread was about to run on two CPUs at once");
    }
    let local = current.local();
    // SAFETY: `resume` was taken out by the swap, so it is used once, and a non-zero saved
    // pointer belongs to an intact stack (see the head of this file).
    unsafe { local.attached().machine.switch(&current.sp, resume) };
}

/// The per-CPU block. Its first two words are known to C: number and pending.
#[repr(C)]
pub struct CpuLocal {
    number: u32,
    /// Not zero while an interrupt waits to be taken on this CPU.
    pub pending: AtomicU32,
    /// Whether a simulator explores this CPU's interleavings.
    pub explored: AtomicBool,
    is_attached: AtomicBool,
    kernel_type: TypeId,
    attached: UnsafeCell<Option<Box<Attached>>>,
}

struct Attached {
    kernel: *const (),
    upcalls: *const dyn Upcalls,
    machine: Arc<dyn Machine>,
    irq_stack: Option<Stack>,
    softirq: Option<Softirq>,
}

/// Where a CPU runs softirqs: on a stack of its own, as a context of its own, so that one which
/// faults can be given up.
struct Softirq {
    stack: Stack,
    /// What runs beneath them; 0 while none run.
    beneath: AtomicUsize,
    /// The context, once it is done: never resumed.
    done: AtomicUsize,
    is_given_up: AtomicBool,
}

impl Attached {
    #[inline]
    fn upcalls(&self) -> &dyn Upcalls {
        // SAFETY: points into the kernel, which the machine keeps alive while CPUs run.
        unsafe { &*self.upcalls }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let softirq = self.softirq.take().map(|softirq| softirq.stack);
        for stack in self.irq_stack.take().into_iter().chain(softirq) {
            self.machine.stack_free(stack);
        }
    }
}

// SAFETY: `attached` is written once, before the CPUs start, and only read from then on.
unsafe impl Sync for CpuLocal {}
// SAFETY: as above; the pointers are not tied to a thread.
unsafe impl Send for CpuLocal {}

impl CpuLocal {
    /// The block of CPU `number` of a kernel of type `K`.
    pub fn new<K: 'static>(number: u32) -> CpuLocal {
        CpuLocal {
            number,
            pending: AtomicU32::new(0),
            explored: AtomicBool::new(false),
            is_attached: AtomicBool::new(false),
            kernel_type: TypeId::of::<K>(),
            attached: UnsafeCell::new(None),
        }
    }

    #[inline]
    fn attached(&self) -> &Attached {
        // SAFETY: written once by `start`, before any thread points to this block.
        match unsafe { &*self.attached.get() } {
            Some(attached) => attached,
            None => crate::fatal("a CPU runs before it was attached"),
        }
    }
}

/// There is no memory for a CPU's stacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoStack;

/// Attaches the kernel to its CPUs' blocks and starts the machine.
///
/// # Panics
///
/// When called twice for one kernel, or for blocks made for another type of kernel.
pub fn start<K: Upcalls + 'static>(
    kernel: &Arc<K>,
    machine: &Arc<dyn Machine>,
) -> Result<(), NoStack> {
    for cpu in 0..machine.cpu_count() {
        let stacks = machine.stack_alloc().zip(machine.stack_alloc()).ok_or(NoStack)?;
        attach(kernel.local(cpu), kernel, machine, Some(stacks));
    }
    if let Some((head, local)) = kernel.watcher() {
        attach(local, kernel, machine, None);
        head.cpu.store(ptr_of(local), Ordering::Relaxed);
        // Nothing is ever pending for it.
        head.irqs_off.store(1, Ordering::Relaxed);
    }
    machine.start(kernel.clone());
    Ok(())
}

fn attach<K: Upcalls + 'static>(
    local: &CpuLocal,
    kernel: &Arc<K>,
    machine: &Arc<dyn Machine>,
    stacks: Option<(Stack, Stack)>,
) {
    assert!(local.kernel_type == TypeId::of::<K>(), "per-CPU block of another kernel type");
    assert!(!local.is_attached.swap(true, Ordering::AcqRel), "the kernel was started before");
    let (irq_stack, softirq_stack) = stacks.unzip();
    let softirq = softirq_stack.map(|stack| Softirq {
        stack,
        beneath: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        is_given_up: AtomicBool::new(false),
    });
    let attached = Attached {
        kernel: Arc::as_ptr(kernel) as *const (),
        upcalls: Arc::as_ptr(kernel) as *const dyn Upcalls,
        machine: machine.clone(),
        irq_stack,
        softirq,
    };
    // SAFETY: the swap above lets one caller here, and no CPU runs yet.
    unsafe { *local.attached.get() = Some(Box::new(attached)) };
}

fn ptr_of(local: &CpuLocal) -> *mut CpuLocal {
    core::ptr::from_ref(local).cast_mut()
}

/// Has the kernel report what its judge has found, on `stack`: for a thread of a machine that is
/// no CPU. One such thread at a time may do so for a kernel.
pub fn call_as_watcher(machine: &dyn Machine, upcalls: &dyn Upcalls, stack: &Stack) {
    let Some((head, _)) = upcalls.watcher() else { return };
    // SAFETY: the stack is the caller's and unused; the head lives in the kernel.
    unsafe { stack.top_word().write(head) };
    // SAFETY: the stack is free until the call returns, and its top word is set.
    unsafe { machine.call_on(stack.top(), watcher_trampoline) };
}

extern "C" fn watcher_trampoline() {
    current_head().local().attached().upcalls().report_findings();
}

/// Runs the idle loop of `cpu` on `stack`: what a machine does on each CPU it starts.
pub fn enter_cpu(machine: &dyn Machine, upcalls: &dyn Upcalls, cpu: u32, stack: &Stack) {
    let head = upcalls.idle_head(cpu);
    // SAFETY: the stack is the machine's and unused; idle heads live in the kernel.
    unsafe { stack.top_word().write(head) };
    head.cpu.store(upcalls.local(cpu) as *const CpuLocal as *mut CpuLocal, Ordering::Relaxed);
    head.irqs_off.store(1, Ordering::Relaxed);
    head.stack.store(stack.base(), Ordering::Relaxed);
    // SAFETY: the stack is free until the idle loop returns, and its top word is set.
    unsafe { machine.call_on(stack.top(), idle_trampoline) };
}

extern "C" fn idle_trampoline() {
    let head = current_head();
    head.local().attached().upcalls().cpu_main(head.cpu());
}

/// Calls `body` with the kernel the caller runs in, which must be of type `K`.
///
/// # Panics
///
/// When the caller is not on a kernel stack, or on one of another type of kernel.
#[inline]
pub fn with_current<K: 'static, R>(body: impl FnOnce(&K, &Head) -> R) -> R {
    let head = current_head();
    let local = head.local();
    assert!(local.kernel_type == TypeId::of::<K>(), "the running kernel is of another type");
    // SAFETY: the type was just checked; the kernel outlives the threads that run in it.
    let kernel = unsafe { &*(local.attached().kernel as *const K) };
    body(kernel, &head)
}

/// Takes what is pending: interrupts if they are on, then a reschedule if one is asked for and
/// the preemption count is zero. The end of every call from a module is such a point.
#[inline]
pub fn interrupt_point() {
    let head = current_head();
    if head.irqs_off.load(Ordering::Relaxed) != 0 {
        return;
    }
    loop {
        if head.local().pending.load(Ordering::Relaxed) != 0 {
            deliver();
        }
        let resched = head.ti_flags.load(Ordering::Relaxed) & TIF_NEED_RESCHED != 0;
        if !resched || head.preempt_count.load(Ordering::Relaxed) != 0 {
            return;
        }
        // Look again: an interrupt taken at the end of this may ask for the next reschedule, and
        // a module that loops comes to no other point.
        head.local().attached().upcalls().preempt();
    }
}

/// The end of a call from a module, and a point in module text: as [`interrupt_point`], and a
/// thread that was told to end does so here.
#[inline]
pub fn module_point() {
    interrupt_point();
    let head = current_head();
    if head.ti_flags.load(Ordering::Relaxed) & TIF_KILLED != 0 {
        head.local().attached().upcalls().killed();
    }
}

/// Delivers the pending interrupts on the CPU's interrupt stack.
#[cold]
#[inline(never)]
fn deliver() {
    let head = current_head();
    // The thread cannot move to another CPU meanwhile: interrupts go off first, and an interrupt
    // never reschedules.
    while head.local().pending.swap(0, Ordering::Relaxed) != 0 {
        head.irqs_off.store(1, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        on_irq_stack(head);
        compiler_fence(Ordering::SeqCst);
        head.irqs_off.store(0, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
    }
}

fn on_irq_stack(head: Current) {
    let attached = head.local().attached();
    let Some(stack) = &attached.irq_stack else { return };
    let softirq = attached.softirq.as_ref().map(|softirq| softirq.stack.base());
    let slot = stack_pointer() & !(SLOT_SIZE - 1);
    let nested = slot == stack.base() || Some(slot) == softirq;
    if nested {
        return attached.upcalls().interrupt();
    }
    // SAFETY: not nested, so the interrupt stack is free; it is this CPU's own, and interrupts
    // are off. The head is the running thread's.
    unsafe {
        stack.top_word().write(head.head.as_ptr());
        attached.machine.call_on(stack.top(), irq_trampoline);
    }
}

/// Whether a softirq had to be given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoftirqEnd {
    /// It has run to its end.
    Done,
    /// [`give_up_softirq`] ended it.
    GivenUp,
}

/// Runs [`Upcalls::softirq`] on the CPU's stack for them. With interrupts off, and not from
/// within one.
pub fn run_softirq() -> SoftirqEnd {
    let head = current_head();
    let attached = head.local().attached();
    let Some(softirq) = attached.softirq.as_ref() else { return SoftirqEnd::Done };
    if in_softirq() {
        crate::fatal("a softirq began inside another");
    }
    // SAFETY: no softirq runs here, so their stack is free; the head is the running thread's.
    unsafe { softirq.stack.top_word().write(head.head.as_ptr()) };
    softirq.is_given_up.store(false, Ordering::Relaxed);
    let resume = attached.machine.context_new(&softirq.stack, softirq_start);
    // SAFETY: the context was just made, and is resumed once.
    unsafe { attached.machine.switch(&softirq.beneath, resume) };
    match softirq.is_given_up.load(Ordering::Relaxed) {
        true => SoftirqEnd::GivenUp,
        false => SoftirqEnd::Done,
    }
}

/// Whether the CPU runs a softirq; interrupts are off, or this is one.
pub fn in_softirq() -> bool {
    let head = current_head();
    let softirq = head.local().attached().softirq.as_ref();
    softirq.is_some_and(|softirq| softirq.beneath.load(Ordering::Relaxed) != 0)
}

/// Ends the softirq that runs on this CPU where it is, on whatever stack the caller is: what its
/// frames hold is never given back.
pub fn give_up_softirq() -> ! {
    if let Some(softirq) = &current_head().local().attached().softirq {
        softirq.is_given_up.store(true, Ordering::Relaxed);
    }
    end_softirq()
}

extern "C" fn softirq_start() -> ! {
    current_head().local().attached().upcalls().softirq();
    end_softirq()
}

fn end_softirq() -> ! {
    let head = current_head();
    let attached = head.local().attached();
    if let Some(softirq) = &attached.softirq {
        let beneath = softirq.beneath.swap(0, Ordering::Relaxed);
        if beneath != 0 {
            // SAFETY: saved by `run_softirq`, and taken out by the swap.
            unsafe { attached.machine.switch(&softirq.done, beneath) };
        }
    }
    crate::fatal("a softirq ended that did not run")
}

/// Hands a fault to the kernel: what a machine calls once it is on a stack whose top word names
/// the faulting thread. Interrupts go off.
pub fn report_fault(fault: &crate::Fault) -> ! {
    let head = current_head();
    head.irqs_off.store(1, Ordering::Relaxed);
    head.local().attached().upcalls().fault(fault)
}

extern "C" fn irq_trampoline() {
    current_head().local().attached().upcalls().interrupt();
}
