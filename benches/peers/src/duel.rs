//! Two threads that do the same, or two sides of the same, so many times.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

use crate::Outcome;
use crate::posix::{bind_to_cpu, thread_switches};

/// Says which of the two threads one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The one that begins.
    Ping,
    /// The other.
    Pong,
}

/// Says where the two threads run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Where the system puts them.
    Anywhere,
    /// Each on a CPU of its own.
    Apart,
}

/// What a thread saw.
struct Seen {
    start: Instant,
    end: Instant,
    switches: u64,
}

/// Calls `round` so often on each of two threads; the time is from the first start to the last
/// end. Each round of both is one operation.
pub(crate) fn rounds(count: u32, place: Place, round: impl Fn(Side) + Sync) -> Option<Outcome> {
    prepared(count, |side| place.take(side), round)
}

impl Place {
    /// Puts the calling thread there; false if it cannot be.
    pub(crate) fn take(self, side: Side) -> bool {
        match (self, side) {
            (Place::Anywhere, _) => true,
            (Place::Apart, Side::Ping) => bind_to_cpu(0),
            (Place::Apart, Side::Pong) => bind_to_cpu(1),
        }
    }
}

/// The same; each thread calls `prepare` first. None if that says no.
pub(crate) fn prepared(
    count: u32,
    prepare: impl Fn(Side) -> bool + Sync,
    round: impl Fn(Side) + Sync,
) -> Option<Outcome> {
    let (ready, refusals) = (Barrier::new(2), AtomicU32::new(0));
    let one = |side| {
        refusals.fetch_add(u32::from(!prepare(side)), Ordering::Relaxed);
        ready.wait();
        // One without the other would wait for ever.
        let is_prepared = refusals.load(Ordering::Relaxed) == 0;
        let (before, start) = (thread_switches(), Instant::now());
        (0..if is_prepared { count } else { 0 }).for_each(|_| round(side));
        let end = Instant::now();
        is_prepared.then(|| Seen { start, end, switches: thread_switches() - before })
    };
    let (ping, pong) = thread::scope(|scope| {
        let pong = scope.spawn(|| one(Side::Pong));
        let ping = scope.spawn(|| one(Side::Ping));
        (ping.join(), pong.join())
    });
    let (ping, pong) = (ping.ok()??, pong.ok()??);
    let time = ping.end.max(pong.end) - ping.start.min(pong.start);
    let more = vec![("switches", ping.switches + pong.switches)];
    Some(Outcome { more, ..Outcome::new(time, count)? })
}
