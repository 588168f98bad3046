//! Lockups: each CPU has the kernel judge it whenever it is really interrupted, be its virtual
//! interrupts on or off.
//!
//! A report takes locks of the kernel. Where virtual interrupts are off, the interrupted code may
//! hold some of them, unless it is a module's own: then the report waits for the next interrupt
//! that meets module text.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kthreads_base::current_head;
use kthreads_base::frames::{Place, Sample};

use crate::processor::{self, Processor};
use crate::traps::Frame;
use crate::{image, machine};

const ORDER: Ordering = Ordering::Relaxed;

/// What a CPU knows of itself; only it reads or writes that, with interrupts off.
pub(crate) struct Watch {
    /// There is something to report.
    is_due: AtomicBool,
    /// Where the code was that was interrupted, while that is reported: the instruction, the stack
    /// pointer and the frame pointer.
    interrupted: [AtomicUsize; 3],
}

impl Watch {
    pub(crate) const fn new() -> Watch {
        Watch { is_due: AtomicBool::new(false), interrupted: [const { AtomicUsize::new(0) }; 3] }
    }

    fn set_interrupted(&self, words: [usize; 3]) {
        self.interrupted.iter().zip(words).for_each(|(slot, word)| slot.store(word, ORDER));
    }
}

/// In an interrupt of code that runs on a kernel stack: has the kernel judge the calling CPU, and
/// report what it finds.
pub(crate) fn judge(me: &Processor, frame: &Frame) {
    let Some(upcalls) = machine::upcalls() else { return };
    let watch = &me.watch;
    if upcalls.judge(me.number()) {
        watch.is_due.store(true, ORDER);
    }
    let head = current_head();
    let were_off = head.irqs_off.load(ORDER);
    let may_report = were_off == 0 || image::contains(frame.ip());
    if !may_report || !watch.is_due.swap(false, ORDER) {
        return;
    }
    let Place { sp, bp } = frame.place();
    watch.set_interrupted([frame.ip(), sp, bp]);
    // The thread keeps its CPU: it is the interrupt that gives it away, when this is over.
    head.irqs_off.store(1, ORDER);
    upcalls.report_findings();
    head.irqs_off.store(were_off, ORDER);
    watch.set_interrupted([0; 3]);
}

/// Where the calling CPU was interrupted, while a report asks for it.
pub(crate) fn sample(cpu: u32) -> Option<Sample> {
    let me = processor::this();
    let [ip, sp, bp] = me.watch.interrupted.each_ref().map(|word| word.load(ORDER));
    (me.number() == cpu && ip != 0).then(|| Sample::take(ip, Place { sp, bp }))
}
