//! What a driver can do, and how often it does it.

use kthreads_kernel::sched::Policy;
use kthreads_kernel::signal::{SIGKILL, Target};

use crate::dice::Dice;

/// What a thread is to do until it is told to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body {
    /// Sleeps until it is stopped.
    Sleeps,
    /// Runs, yields, sleeps for a little and parks when told to.
    Beats,
    /// Sleeps until points in time.
    Ticks,
    /// Takes part in what completions and wait queues are used for.
    Trades,
    /// Allows signals and takes them.
    Listens,
    /// Ends by itself at once.
    Ends,
    /// Makes threads of its own and stops them.
    Breeds,
}

/// How a thread that was made is brought to life, or not.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Birth {
    Woken,
    BoundAndWoken,
    /// Its function never runs.
    Dropped,
    /// Its function never runs.
    Stopped,
}

/// One operation. Numbers choose among what there is at the time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Create(Body, Birth),
    Stop(u64),
    Join(u64),
    ParkAndUnpark(u64),
    Wake(u64),
    Signal(u64, u32, Target),
    Affinity(u64, u64),
    Nice(u64, i64),
    Schedule(u64, Policy),
    NewWorker,
    NewWork,
    Queue(u64),
    QueueAfter(u64, u64),
    FlushWork(u64),
    FlushWorker,
    CancelWork(u64),
    DestroyWorker,
    Complete(u64),
    AwaitCompletion(u64, u32),
    Produce(u64),
    Consume(u32),
    LockMutex,
    LockSpin,
    Insmod(u64),
    Rmmod(u64),
    ReadProc(u64),
    Yield,
    Sleep(u32),
    Delay(u64),
    /// A thread that nothing wakes but a signal.
    Answer,
    /// So many hand-offs to a thread and back by a wait queue, and nothing else wakes either.
    HandOff(u64),
    Audit,
}

/// Whether a signal is the user's or the kernel's has its own weight: few are fatal.
const SIGNALS: [u32; 6] = [SIGKILL, 1, 2, 10, 15, 18];
const BODIES: [Body; 7] =
    [Body::Sleeps, Body::Beats, Body::Ticks, Body::Trades, Body::Listens, Body::Ends, Body::Breeds];
const BIRTHS: [Birth; 8] = [
    Birth::Woken,
    Birth::Woken,
    Birth::Woken,
    Birth::Woken,
    Birth::BoundAndWoken,
    Birth::BoundAndWoken,
    Birth::Dropped,
    Birth::Stopped,
];

impl Operation {
    /// Picks one.
    pub(crate) fn pick(dice: &mut Dice) -> Operation {
        let which = dice.next();
        match dice.below(66) {
            0..=7 => Operation::Create(dice.one_of(&BODIES), dice.one_of(&BIRTHS)),
            8..=10 => Operation::Stop(which),
            11 => Operation::Join(which),
            12..=14 => Operation::ParkAndUnpark(which),
            15..=16 => Operation::Wake(which),
            17..=19 => {
                let target = dice.one_of(&[Target::Thread, Target::Process]);
                Operation::Signal(which, dice.one_of(&SIGNALS), target)
            }
            20..=22 => Operation::Affinity(which, dice.next()),
            23 => Operation::Nice(which, dice.below(40) as i64 - 20),
            24..=25 => Operation::Schedule(which, pick_policy(dice)),
            26 => Operation::NewWorker,
            27..=28 => Operation::NewWork,
            29..=31 => Operation::Queue(which),
            32..=33 => Operation::QueueAfter(which, dice.below(4)),
            34..=35 => Operation::FlushWork(which),
            36 => Operation::FlushWorker,
            37..=38 => Operation::CancelWork(which),
            39 => Operation::DestroyWorker,
            40..=42 => Operation::Complete(which),
            43..=44 => Operation::AwaitCompletion(which, dice.below(6) as u32),
            45..=46 => Operation::Produce(dice.below(4)),
            47 => Operation::Consume(dice.below(6) as u32),
            48 => Operation::LockMutex,
            49 => Operation::LockSpin,
            50..=52 => Operation::Insmod(which),
            53..=55 => Operation::Rmmod(which),
            56 => Operation::ReadProc(which),
            57..=58 => Operation::Yield,
            59..=60 => Operation::Sleep(dice.below(3) as u32),
            61 => Operation::Delay(dice.below(50)),
            62 => Operation::Audit,
            63 => Operation::Answer,
            _ => Operation::HandOff(1 + dice.below(100)),
        }
    }
}

fn pick_policy(dice: &mut Dice) -> Policy {
    let priority = 1 + dice.below(99) as u32;
    dice.one_of(&[
        Policy::Normal,
        Policy::Normal,
        Policy::Fifo(priority),
        Policy::RoundRobin(priority),
    ])
}
