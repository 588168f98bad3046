//! The machine itself: what it is to the kernel.

use std::cell::UnsafeCell;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use kthreads_base::explore::NOTE_SWITCHED;
use kthreads_base::frames::Place;
use kthreads_base::{
    Machine, MemoryInfo, Nanos, Protection, SLOT_SIZE, Stack, Upcalls, current_head, head, stack,
};
use kthreads_host::HostError;
use kthreads_host::arena::{self, Arena};
use kthreads_host::process::{self, OopsDesk, Process};

use crate::chooser::Chooser;
use crate::config::{MAX_CPUS, OnStuck, SimConfig};
use crate::core::Core;
use crate::cpu::{Cpu, Doing};
use crate::images::Images;
use crate::points::ThreadPoints;
use crate::rng::Rng;
use crate::stacks::StackPool;
use crate::watch::{self, Watched};

/// How much of a stack is kept for the host's functions, in bytes.
const HOST_ROOM: usize = 12 << 10;
/// The wall clock at the machine's start: midnight of the first day of 2024.
const WALL_CLOCK_ORIGIN: Nanos = Nanos(1_704_067_200 * Nanos::SECOND.0);

/// Simulated CPUs.
pub struct SimMachine {
    process: Process,
    core: UnsafeCell<Core>,
    /// Held by the host thread that runs the CPUs.
    pub(crate) driver: Mutex<()>,
    pub(crate) oops: OopsDesk,
    pub(crate) now: AtomicU64,
    /// A host thread's word was set, so that one goes on.
    pub(crate) asks_outside: AtomicBool,
    /// Host threads that wait for their turn to drive.
    pub(crate) sleepers: AtomicU32,
    pub(crate) is_abandoned: AtomicBool,
    pub(crate) watched: Arc<Watched>,
    pub(crate) was_forced: AtomicBool,
    /// The kernel, from `start` to the end of `join`: a boxed `Arc<dyn Upcalls>`.
    upcalls: AtomicPtr<Arc<dyn Upcalls>>,
    pub(crate) stacks: Arc<StackPool>,
    random: Mutex<Rng>,
    images: Mutex<Images>,
    /// Memory of images was freed that is still there: see `Images`.
    pub(crate) owes_images: AtomicBool,
    pub(crate) arena: Option<Box<Arena>>,
    cpu_count: u32,
    memory_bytes: u64,
}

// SAFETY: `core` is used by the thread that holds `driver`, on its own stack or those of the CPUs
// it runs, one at a time, and before the machine is started by its maker.
unsafe impl Sync for SimMachine {}
// SAFETY: as above; contexts are not tied to a host thread.
unsafe impl Send for SimMachine {}

impl SimMachine {
    /// Makes a machine; its CPUs do not run yet.
    ///
    /// # Errors
    ///
    /// When the number of CPUs is not in 1 to 64, or the host gives no memory for their stacks.
    pub fn new(mut config: SimConfig) -> Result<Arc<SimMachine>, HostError> {
        if !(1..=MAX_CPUS).contains(&config.cpus) {
            return Err(HostError::CpuCount(config.cpus));
        }
        let process = Process::prepare()?;
        let pool = config.stacks.clone();
        let no_stack = || HostError::NoStacks(std::io::ErrorKind::OutOfMemory.into());
        let stack = || pool.alloc(process).ok_or_else(no_stack);
        let make = |_| Ok(Cpu::new(stack()?, stack()?));
        let cpus = (0..config.cpus).map(make).collect::<Result<Box<[Cpu]>, HostError>>()?;
        let oops = (0..config.cpus).map(|_| stack()).collect::<Result<Vec<Stack>, HostError>>()?;
        let watched = Arc::new(Watched::default());
        watch::add(&watched);
        Ok(Arc::new(SimMachine {
            process,
            core: UnsafeCell::new(Core::new(cpus, &mut config)),
            driver: Mutex::new(()),
            oops: OopsDesk::new(0, oops),
            now: AtomicU64::new(0),
            asks_outside: AtomicBool::new(false),
            sleepers: AtomicU32::new(0),
            is_abandoned: AtomicBool::new(false),
            watched,
            was_forced: AtomicBool::new(false),
            upcalls: AtomicPtr::new(ptr::null_mut()),
            stacks: pool,
            random: Mutex::new(Rng::new(config.seed ^ 0x6b74_6872_6561_6473)),
            images: Mutex::default(),
            owes_images: AtomicBool::new(false),
            arena: config.arena.take(),
            cpu_count: config.cpus,
            memory_bytes: config.memory_bytes,
        }))
    }

    /// What moves. Not to be kept across a switch.
    #[expect(clippy::mut_from_ref, reason = "one context goes on at a time; see `Sync` above")]
    #[inline]
    pub(crate) fn core(&self) -> &mut Core {
        // SAFETY: see `Sync` above; no caller keeps the reference while another is made and used.
        unsafe { &mut *self.core.get() }
    }

    pub(crate) fn random(&self) -> MutexGuard<'_, Rng> {
        self.random.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn images(&self) -> MutexGuard<'_, Images> {
        self.images.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Calls `body` with its allocations from the machine's arena, as those of the CPUs are.
    ///
    /// # Safety
    ///
    /// The caller is the thread that drives.
    pub unsafe fn in_arena<R>(&self, body: impl FnOnce() -> R) -> R {
        // SAFETY: only the thread that drives enters the arena, here and when it runs CPUs.
        let _inside = self.arena.as_ref().map(|arena| unsafe { arena.enter() });
        body()
    }

    /// Counts the points of each thread from now on, for [`Point::place`](crate::Point::place), or
    /// none. For the thread that drives.
    pub fn set_counts_points(&self, counts: bool) {
        self.core().points = counts.then(ThreadPoints::default);
    }

    /// Whether module memory was freed that is still there.
    #[inline(always)]
    pub(crate) fn owes_images(&self) -> bool {
        self.owes_images.load(Ordering::Relaxed)
    }

    /// Takes it away.
    #[inline(always)]
    pub(crate) fn settle_images(&self) {
        if self.owes_images() {
            self.take_images_away();
        }
    }

    #[cold]
    #[inline(never)]
    fn take_images_away(&self) {
        self.owes_images.store(false, Ordering::Relaxed);
        // SAFETY: it was given back, so nobody uses it.
        arena::outside(|| unsafe { self.images().settle() });
    }

    pub(crate) fn upcalls(&self) -> Option<&dyn Upcalls> {
        // SAFETY: null, or the box that `join` frees once no CPU runs; only they ask.
        unsafe { self.upcalls.load(Ordering::Acquire).as_ref() }.map(|upcalls| &**upcalls)
    }

    /// Puts another chooser in; returns the one before. For the thread that drives, between two
    /// waits or when asked what to do about a stuck machine.
    pub fn replace_chooser(&self, chooser: Box<dyn Chooser>) -> Box<dyn Chooser> {
        // At a switch the machine has something to do itself.
        let notes = chooser.heeds() | 1 << NOTE_SWITCHED;
        if let Some(upcalls) = self.upcalls() {
            for cpu in 0..self.cpu_count {
                upcalls.local(cpu).notes.store(notes, Ordering::Relaxed);
            }
        }
        self.core().set_chooser(chooser)
    }

    /// Sets who is asked when nothing goes on. For the thread that drives.
    pub fn set_on_stuck(&self, on_stuck: Option<OnStuck>) {
        self.core().on_stuck = on_stuck;
    }

    /// Sets how many more steps there may be. For the thread that drives.
    pub fn set_steps_left(&self, steps: u64) {
        let core = self.core();
        core.end_quiet();
        core.step_limit = core.steps.saturating_add(steps);
        core.stuck = None;
    }

    /// Where each CPU rests that has begun and does not go on now: the slot index of the thread it
    /// runs, and the place on its stack. For the thread that drives.
    pub fn places(&self) -> Vec<(u32, Place)> {
        self.core().places().collect()
    }

    /// Sets how often somebody is to look whether all is well, in the machine's time. For the
    /// thread that drives.
    pub fn set_look_every(&self, span: Nanos) {
        self.core().set_look_every(span);
    }

    /// How many steps there have been. For the thread that drives.
    pub fn steps(&self) -> u64 {
        let core = self.core();
        core.end_quiet();
        core.steps
    }

    /// Whether code that came to no point was made to by the host's clock: then the run cannot be
    /// repeated.
    pub fn was_forced(&self) -> bool {
        self.was_forced.load(Ordering::Relaxed)
    }

    /// Whether the machine was given up ([`Reaction::Abandon`](crate::Reaction::Abandon)).
    pub fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Acquire)
    }

    fn this_cpu(&self) -> Option<u32> {
        if head::on_kernel_stack() { self.core().current } else { None }
    }

    /// Whether the running thread's stack has room for the host's functions: a fault in one of them
    /// may leave a lock behind for ever. Who has less is about to run into the end of it.
    #[inline]
    pub(crate) fn has_room() -> bool {
        let here = 0_u8;
        let here = (&raw const here).addr();
        !stack::in_range(here) || here % SLOT_SIZE > stack::guard_size() + HOST_ROOM
    }

    fn is_deaf() -> bool {
        current_head().irqs_off.load(Ordering::Relaxed) != 0
    }
}

impl Drop for SimMachine {
    fn drop(&mut self) {
        // Contexts of an abandoned machine still lie on its stacks, which are never used again.
        if self.is_abandoned() {
            return;
        }
        let cpus = std::mem::take(&mut self.core().cpus);
        for cpu in cpus {
            self.stacks.free(cpu.base_stack);
            self.stacks.free(cpu.idle_stack);
        }
        let oops = std::mem::replace(&mut self.oops, OopsDesk::new(0, []));
        oops.into_stacks().for_each(|stack| self.stacks.free(stack));
    }
}

// SAFETY: stacks are handed out once (see `StackPool`) and
// are mapped; interrupts are only made pending here, and taken by base, or in module text with
// interrupts on (by the host machine's signal); module memory is mapped and protected as asked.
unsafe impl Machine for SimMachine {
    fn cpu_count(&self) -> u32 {
        self.cpu_count
    }

    fn now(&self) -> Nanos {
        let is_here = head::on_kernel_stack();
        Nanos(if is_here { self.core().time() } else { self.now.load(Ordering::Relaxed) })
    }

    fn wall_clock(&self) -> Nanos {
        WALL_CLOCK_ORIGIN + self.now()
    }

    fn start(&self, upcalls: Arc<dyn Upcalls>) {
        self.upcalls.store(Box::into_raw(Box::new(upcalls)), Ordering::Release);
        self.make_contexts();
    }

    fn join(&self) {
        self.drive(None, || self.is_abandoned() || self.core().has_ended());
        if self.is_abandoned() {
            return;
        }
        let upcalls = self.upcalls.swap(ptr::null_mut(), Ordering::AcqRel);
        for cpu in &mut self.core().cpus {
            cpu.local = ptr::null();
        }
        if !upcalls.is_null() {
            // SAFETY: made by `start`, taken out by the swap; no CPU runs any more.
            drop(unsafe { Box::from_raw(upcalls) });
        }
    }

    fn set_timer(&self, cpu: u32, deadline: Nanos) {
        self.core().set_timer(cpu, deadline);
    }

    fn send_interrupt(&self, cpu: u32) {
        if head::on_kernel_stack() && self.core().again.if_changed {
            // The CPU can go on again, which the next point is to see.
            self.core().end_quiet();
        }
        // From any thread: an atomic of the kernel's block, which the CPUs look at.
        if let Some(upcalls) = self.upcalls() {
            upcalls.local(cpu).pending.store(1, Ordering::SeqCst);
        }
    }

    fn idle(&self, cpu: u32) {
        self.rest(cpu, Doing::Resting);
    }

    fn delay(&self, cpu: u32, until: Nanos) {
        let is_deaf = head::on_kernel_stack() && SimMachine::is_deaf();
        let is_disturbed = || !is_deaf && self.core().cpus[cpu as usize].is_pending();
        while self.now() < until && !is_disturbed() && !self.is_abandoned() {
            self.rest(cpu, Doing::Delaying { until: until.0, is_deaf });
        }
    }

    fn relax(&self) {
        let Some(me) = self.this_cpu() else { return std::thread::yield_now() };
        self.core().count_relax();
        self.rest(me, Doing::Spinning);
    }

    fn relax_for(&self, word: &AtomicU32) {
        let Some(me) = self.this_cpu() else { return std::thread::yield_now() };
        self.core().count_relax();
        self.rest(me, Doing::Locked { word, is_deaf: SimMachine::is_deaf() });
    }

    fn explores(&self) -> bool {
        true
    }

    fn step(&self) {
        self.point();
    }

    fn forced_step(&self) {
        self.forced();
    }

    fn note(&self, kind: u32, object: usize, value: usize) {
        if kind == NOTE_SWITCHED {
            self.settle_images();
        }
        let core = self.core();
        if core.heeds & (1 << kind) == 0 || !SimMachine::has_room() {
            return;
        }
        let cpu = core.current.unwrap_or(0);
        let time = Nanos(core.time());
        arena::outside(|| core.chooser.note(time, cpu, kind, object, value));
    }

    fn choose(&self, what: u32, options: u32) -> u32 {
        let core = self.core();
        let number = core.count_choice();
        if !SimMachine::has_room() {
            return 0;
        }
        arena::outside(|| core.chooser.choose(what, options, number))
    }

    fn console(&self, text: &[u8]) {
        process::write_stderr(text);
    }

    fn stack_alloc(&self) -> Option<Stack> {
        arena::outside(|| self.stacks.alloc(self.process))
    }

    fn stack_free(&self, stack: Stack) {
        self.stacks.free(stack);
    }

    fn image_alloc(&self, len: usize) -> Option<NonNull<u8>> {
        arena::outside(|| self.images().alloc(len))
    }

    unsafe fn image_protect(&self, start: NonNull<u8>, len: usize, access: Protection) {
        // SAFETY: the caller's promise is the same.
        arena::outside(|| unsafe { self.images().protect(start, len, access) });
    }

    unsafe fn image_free(&self, start: NonNull<u8>, len: usize) {
        // SAFETY: the caller's promise is the same.
        let is_owed = arena::outside(|| unsafe { self.images().free(start, len) });
        if is_owed {
            self.owes_images.store(true, Ordering::Relaxed);
            self.core().end_quiet();
            // An interrupt that is pending comes before the next point.
            let is_alone = self.this_cpu().map(|cpu| !self.core().cpus[cpu as usize].is_pending());
            if is_alone != Some(true) {
                self.settle_images();
            }
        }
    }

    fn memory(&self) -> MemoryInfo {
        MemoryInfo { total: self.memory_bytes, free: self.memory_bytes / 2 }
    }

    fn entropy(&self) -> u64 {
        self.random().next_u64()
    }

    fn wait_host(&self, word: &AtomicU32) {
        self.drive(Some(word), || self.is_abandoned() || word.load(Ordering::Acquire) != 0);
        if word.load(Ordering::Acquire) == 0 {
            // The machine was given up: nobody will ever touch the word or what it stands for.
            word.store(1, Ordering::Release);
        }
    }

    fn wake_host(&self, word: &AtomicU32) {
        let address = ptr::from_ref(word);
        word.store(1, Ordering::Release);
        self.asks_outside.store(true, Ordering::Relaxed);
        if head::on_kernel_stack() {
            // The next point is looked at.
            self.core().end_quiet();
        }
        if self.sleepers.load(Ordering::SeqCst) != 0 {
            process::wake_word(address);
        }
    }

    fn catch(&self, body: &mut dyn FnMut()) -> Result<(), String> {
        process::catch(body)
    }
}
