//! Where the code of a CPU is, whatever it does.
//!
//! Who wants to know leaves a request and sends the CPU's thread the signal that asks for
//! interrupts. Its handler, which runs wherever the thread is, answers before anything else: it
//! follows the frames of the interrupted code, which stands still meanwhile, and notes them. All
//! of it is atomics: the handler must take no lock.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kthreads_base::frames::{Chain, Frame, Place, SAMPLE_CALLS, Sample};

use crate::cpu::Cpu;
use crate::preempt;

/// Nobody wants to know.
const FREE: u32 = 0;
/// Somebody wants to know.
const ASKED: u32 = 1;
/// The handler is about to answer.
const ANSWERING: u32 = 2;
/// The answer is there.
const ANSWERED: u32 = 3;

/// How long an answer may take: the host may have other things to do.
const LONGEST_WAIT: Duration = Duration::from_millis(200);
/// How often an answer without a whole chain is asked for again, and after which pause.
const MOST_REPEATS: u32 = 20;
const PAUSE: Duration = Duration::from_micros(100);
/// Stands for the step to another stack among return addresses.
const OTHER_STACK: usize = 1;

/// A CPU's answers.
#[derive(Default)]
pub(crate) struct Sampler {
    state: AtomicU32,
    ip: AtomicUsize,
    frames: [AtomicUsize; SAMPLE_CALLS],
    count: AtomicUsize,
    is_whole: AtomicU32,
    frameless_return: AtomicUsize,
}

impl Sampler {
    /// In the signal handler: answers if somebody has asked.
    pub(crate) fn answer(&self, ip: usize, place: Place) {
        let (order, relaxed) = (Ordering::Acquire, Ordering::Relaxed);
        if self.state.compare_exchange(ASKED, ANSWERING, order, relaxed).is_err() {
            return;
        }
        let sample = Sample::take(ip, place);
        self.ip.store(sample.ip, relaxed);
        self.count.store(sample.count, relaxed);
        self.is_whole.store(u32::from(sample.chain == Chain::Whole), relaxed);
        self.frameless_return.store(sample.frameless_return, relaxed);
        for (slot, frame) in self.frames.iter().zip(sample.frames()) {
            let word = match frame {
                Frame::Return(address) => *address,
                Frame::OtherStack => OTHER_STACK,
            };
            slot.store(word, relaxed);
        }
        self.state.store(ANSWERED, Ordering::Release);
    }

    fn read(&self) -> Sample {
        let order = Ordering::Relaxed;
        let mut frames = [Frame::Return(0); SAMPLE_CALLS];
        for (frame, slot) in frames.iter_mut().zip(&self.frames) {
            *frame = match slot.load(order) {
                OTHER_STACK => Frame::OtherStack,
                address => Frame::Return(address),
            };
        }
        let chain = if self.is_whole.load(order) != 0 { Chain::Whole } else { Chain::Broken };
        Sample {
            ip: self.ip.load(order),
            frames,
            count: self.count.load(order),
            chain,
            frameless_return: self.frameless_return.load(order),
        }
    }
}

/// Asks a CPU where it is; None if somebody else asks, or it does not answer. Functions of the
/// host's libraries use the frame pointer for other things: then it asks again, a moment later.
pub(crate) fn ask(cpu: &Cpu) -> Option<Sample> {
    let mut sample = ask_once(cpu)?;
    for _ in 0..MOST_REPEATS {
        if sample.chain == Chain::Whole {
            break;
        }
        thread::sleep(PAUSE);
        let Some(again) = ask_once(cpu) else { break };
        sample = again;
    }
    Some(sample)
}

fn ask_once(cpu: &Cpu) -> Option<Sample> {
    let state = &cpu.sampler.state;
    let (order, relaxed) = (Ordering::AcqRel, Ordering::Relaxed);
    state.compare_exchange(FREE, ASKED, order, relaxed).ok()?;
    preempt::send(cpu);
    let begin = Instant::now();
    while state.load(Ordering::Acquire) != ANSWERED {
        let is_late = begin.elapsed() > LONGEST_WAIT;
        // One that has begun will be there at once.
        if is_late && state.compare_exchange(ASKED, FREE, order, relaxed).is_ok() {
            return None;
        }
        thread::yield_now();
    }
    let sample = cpu.sampler.read();
    state.store(FREE, Ordering::Release);
    Some(sample)
}
