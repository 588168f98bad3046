//! The timer wheel of one CPU: 9 levels of 64 buckets, each level 8 times coarser than the last.
//!
//! A timer goes into the finest level that reaches its expiry and stays there: it is never moved
//! to a finer one, but expires with its bucket. It is put into the bucket that begins after its
//! expiry, so it never runs early, and late by at most one granule of its level: 1 jiffy for the
//! next 63, 8 jiffies for the next 503, and so on, 12.5 % of the way. Level 0 too: a timer for
//! jiffy 10 runs when jiffy 11 has begun, since it may have been armed at the end of a jiffy.
//!
//! `clk` is the next jiffy that has not been worked off. It may lag behind the clock while no
//! bucket is due, and is brought forward before a timer is put in, since the level depends on it.
//!
//! Taking a due bucket out swaps its list with an empty spare one, so that no timer is touched
//! and new ones for the same place on the wheel do not mix with those that are due.
//!
//! The wheel belongs to a lock: whoever has it by `&mut` also has the witness.

use core::pin::Pin;

use kthreads_base::slab::NoMemory;
use kthreads_base::{List, RawGuard, Slab, list};

use super::jiffies::Jiffies;
use super::timer::{Timer, TimerFn};
use crate::bits::bits;

const LEVELS: usize = 9;
const LEVEL_BITS: u32 = 3;
const BUCKETS_PER_LEVEL: usize = 64;
const BUCKETS: usize = LEVELS * BUCKETS_PER_LEVEL;
/// Timers this far off or further expire at [`CAPACITY`] instead, and find out that it is early.
const CUTOFF: u64 = level_start(LEVELS);
const CAPACITY: u64 = CUTOFF - granularity(LEVELS - 1);
/// How far ahead the next expiry is said to be when there is no timer.
const IDLE_SPAN: Jiffies = Jiffies((1 << 30) - 1);

/// How many jiffies a bucket of the level lasts.
const fn granularity(level: usize) -> u64 {
    1 << (LEVEL_BITS * level as u32)
}

/// How far off a timer must be to go into the level, in jiffies; `level` is at least 1.
const fn level_start(level: usize) -> u64 {
    (BUCKETS_PER_LEVEL as u64 - 1) << (LEVEL_BITS * (level as u32 - 1))
}

/// Where a timer goes, and when that bucket is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    bucket: usize,
    due: Jiffies,
}

fn place_in_level(expires: Jiffies, level: usize) -> Place {
    let granule = (expires.0 >> (LEVEL_BITS * level as u32)).wrapping_add(1);
    Place {
        bucket: level * BUCKETS_PER_LEVEL + granule as usize % BUCKETS_PER_LEVEL,
        due: Jiffies(granule << (LEVEL_BITS * level as u32)),
    }
}

fn place(expires: Jiffies, clk: Jiffies) -> Place {
    let ahead = expires.ticks_since(clk);
    if ahead < 0 {
        return Place { bucket: clk.0 as usize % BUCKETS_PER_LEVEL, due: clk };
    }
    let ahead = ahead as u64;
    if ahead >= CUTOFF {
        return place_in_level(clk + Jiffies(CAPACITY), LEVELS - 1);
    }
    let level = (1..LEVELS).find(|level| ahead < level_start(*level)).unwrap_or(LEVELS);
    place_in_level(expires, level - 1)
}

/// What putting a timer in did to the wheel's next expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextExpiry {
    /// It is what it was.
    Kept,
    /// It is earlier: the CPU's clock must be set anew.
    Earlier,
}

/// How a pending timer may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arming {
    /// Whatever it was (mod_timer, add_timer).
    Always,
    /// Only if it is pending (mod_timer_pending).
    IfPending,
    /// Only if it gets earlier, or is not pending (timer_reduce).
    IfEarlier,
}

/// How far [`Wheel::begin_change`] got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// Nothing is left to do; tells whether the timer was pending.
    Settled(bool),
    /// The timer is in no wheel now and is to be put into one; tells whether it was pending.
    Detached(bool),
}

/// The timers of one CPU that are of one kind.
pub(crate) struct Wheel {
    clk: Jiffies,
    next_expiry: Jiffies,
    /// Whether `next_expiry` may be too early, because a bucket has been emptied.
    is_stale: bool,
    /// A bit for each bucket that may have timers.
    occupied: [u64; LEVELS],
    /// Which list is the bucket; from `BUCKETS` on, the spare lists that take what is due.
    lists: [u16; BUCKETS + LEVELS],
    store: Slab<List<Timer>>,
    /// How many of the spare lists are being worked off; the last goes first.
    due_lists: usize,
    /// The address of the timer whose function runs, else 0. Never followed.
    running: usize,
}

impl Wheel {
    /// An empty wheel.
    pub(crate) fn new(now: Jiffies) -> Result<Wheel, NoMemory> {
        let store = Slab::new();
        while (store.len() as usize) < BUCKETS + LEVELS {
            store.grow(|_| List::new())?;
        }
        let mut lists = [0; BUCKETS + LEVELS];
        for (list, number) in lists.iter_mut().zip(0..) {
            *list = number;
        }
        Ok(Wheel {
            clk: now,
            next_expiry: now + IDLE_SPAN,
            is_stale: false,
            occupied: [0; LEVELS],
            lists,
            store,
            due_lists: 0,
            running: 0,
        })
    }

    fn list(&self, place: usize) -> Pin<&List<Timer>> {
        let list = self.store.get_pinned(u32::from(self.lists[place]));
        list.expect("new() made as many lists as there are places")
    }

    fn is_occupied(&self, bucket: usize) -> bool {
        let bits = self.occupied.get(bucket / BUCKETS_PER_LEVEL);
        bits.is_some_and(|bits| bits & bit(bucket) != 0)
    }

    /// Brings `clk` up to `now`, but not past a bucket that is due (forward_timer_base).
    pub(crate) fn forward(&mut self, now: Jiffies) {
        if !now.is_after(self.clk) {
            return;
        }
        if self.is_empty() {
            self.clk = now;
            self.next_expiry = now + IDLE_SPAN;
            self.is_stale = false;
            return;
        }
        self.refresh();
        self.clk = if self.next_expiry.is_after(now) { now } else { self.next_expiry };
    }

    fn is_empty(&self) -> bool {
        self.occupied.iter().all(|bits| *bits == 0)
    }

    /// Puts `timer`, which is in no wheel, in by its expiry (internal_add_timer).
    pub(crate) fn enqueue(&mut self, held: &RawGuard<'_>, timer: Pin<&Timer>) -> NextExpiry {
        let place = place(timer.expires(), self.clk);
        // First in the bucket, as Linux does: equal timers run last armed, first run.
        self.list(place.bucket).push_front(held, timer);
        timer.set_bucket(place.bucket);
        self.occupied[place.bucket / BUCKETS_PER_LEVEL] |= bit(place.bucket);
        if !place.due.is_before(self.next_expiry) {
            return NextExpiry::Kept;
        }
        self.next_expiry = place.due;
        self.is_stale = false;
        NextExpiry::Earlier
    }

    /// Takes `timer` out if it is pending; returns whether it was (detach_if_pending).
    pub(crate) fn detach(&mut self, held: &RawGuard<'_>, timer: &Timer) -> bool {
        if !list::unlink(held, timer) {
            return false;
        }
        let bucket = timer.bucket();
        if self.is_occupied(bucket) && self.list(bucket).is_empty() {
            self.occupied[bucket / BUCKETS_PER_LEVEL] &= !bit(bucket);
            self.is_stale = true;
        }
        true
    }

    /// Does the first half of arming: brings the wheel forward, and either changes the timer's
    /// expiry in place or takes it out, to be put in here or in another CPU's wheel.
    pub(crate) fn begin_change(
        &mut self,
        held: &RawGuard<'_>,
        timer: &Timer,
        expires: Jiffies,
        arming: Arming,
        now: Jiffies,
    ) -> Begun {
        if timer.function().is_none() {
            return Begun::Settled(false);
        }
        self.forward(now);
        if timer.is_pending() {
            if arming == Arming::IfEarlier && timer.expires().is_at_or_before(expires) {
                return Begun::Settled(true);
            }
            if self.stays_in_bucket(timer, expires) {
                timer.set_expires(expires);
                return Begun::Settled(true);
            }
        }
        let was_pending = self.detach(held, timer);
        if !was_pending && arming == Arming::IfPending {
            return Begun::Settled(false);
        }
        Begun::Detached(was_pending)
    }

    /// Whether the pending timer would go where it is. Not asked while due lists are worked off:
    /// the timer may be in one of those and not in the bucket it names.
    fn stays_in_bucket(&self, timer: &Timer, expires: Jiffies) -> bool {
        self.due_lists == 0 && place(expires, self.clk).bucket == timer.bucket()
    }

    /// Whether the function of `timer` runs at this moment.
    pub(crate) fn is_running(&self, timer: &Timer) -> bool {
        self.running == timer.address()
    }

    /// Ends what the last call began, and takes out the next timer that is due at `now`, marked
    /// as running. The caller frees the lock, calls the function and comes again.
    pub(crate) fn next_due<'g>(
        &mut self,
        held: &'g RawGuard<'_>,
        now: Jiffies,
    ) -> Option<(Pin<&'g Timer>, TimerFn)> {
        self.running = 0;
        loop {
            let Some(timer) = self.pop_due(held) else {
                if !self.collect(now) {
                    return None;
                }
                continue;
            };
            if let Some(function) = timer.function() {
                self.running = timer.address();
                return Some((timer, function));
            }
        }
    }

    fn pop_due<'g>(&mut self, held: &'g RawGuard<'_>) -> Option<Pin<&'g Timer>> {
        while self.due_lists > 0 {
            if let Some(timer) = self.list(BUCKETS + self.due_lists - 1).pop_front(held) {
                return Some(timer);
            }
            self.due_lists -= 1;
        }
        None
    }

    /// Moves the buckets that are due next to the due lists, if that is at `now` or before.
    fn collect(&mut self, now: Jiffies) -> bool {
        self.refresh();
        if self.next_expiry.is_after(now) || self.clk.is_after(now) {
            return false;
        }
        self.clk = self.next_expiry;
        let mut granule = self.clk.0;
        for level in 0..LEVELS {
            self.collect_bucket(level * BUCKETS_PER_LEVEL + granule as usize % BUCKETS_PER_LEVEL);
            if !granule.is_multiple_of(1 << LEVEL_BITS) {
                break;
            }
            granule >>= LEVEL_BITS;
        }
        // One ahead, so that timers which their functions arm for now cannot keep us here.
        self.clk = self.clk + Jiffies(1);
        self.is_stale = true;
        self.refresh();
        true
    }

    fn collect_bucket(&mut self, bucket: usize) {
        if self.is_occupied(bucket) {
            self.occupied[bucket / BUCKETS_PER_LEVEL] &= !bit(bucket);
            self.lists.swap(bucket, BUCKETS + self.due_lists);
            self.due_lists += 1;
        }
    }

    /// When the next bucket is due, if any has timers.
    pub(crate) fn next_expiry(&mut self) -> Option<Jiffies> {
        self.refresh();
        (!self.is_empty()).then_some(self.next_expiry)
    }

    /// Works out the next expiry if it may be stale (__next_timer_interrupt).
    fn refresh(&mut self) {
        if !self.is_stale {
            return;
        }
        self.is_stale = false;
        self.next_expiry = self.clk + IDLE_SPAN;
        // The first granule of the level that has not been worked off.
        let mut granule = self.clk.0;
        for (level, bits) in self.occupied.iter().enumerate() {
            let ahead = bits.rotate_right(granule as u32 % BUCKETS_PER_LEVEL as u32);
            if ahead != 0 {
                let first = granule.wrapping_add(u64::from(ahead.trailing_zeros()));
                let due = Jiffies(first << (LEVEL_BITS * level as u32));
                if due.is_before(self.next_expiry) {
                    self.next_expiry = due;
                }
            }
            granule = granule.div_ceil(1 << LEVEL_BITS);
        }
    }

    /// Whether the timer at an address is in a bucket, or is due and was.
    pub(crate) fn holds(&self, held: &RawGuard<'_>, address: usize, bucket: usize) -> bool {
        if bucket >= BUCKETS {
            return false;
        }
        let due = BUCKETS..BUCKETS + self.due_lists;
        core::iter::once(bucket).chain(due).any(|place| {
            let list = self.list(place);
            let mut next = list.first(held);
            while let Some(timer) = next.filter(|timer| timer.address() != address) {
                next = list.after(held, timer.get_ref());
            }
            next.is_some()
        })
    }

    /// Calls `see` with each pending timer and the place of the list that it is in.
    pub(crate) fn for_each(&self, held: &RawGuard<'_>, see: &mut dyn FnMut(&Timer, usize)) {
        for place in 0..BUCKETS + self.due_lists {
            let list = self.list(place);
            let mut next = list.first(held);
            while let Some(timer) = next {
                see(timer.get_ref(), place);
                next = list.after(held, timer.get_ref());
            }
        }
    }

    /// Looks at all timers, and tells `wrong` of those that would not run when they should.
    pub(crate) fn audit(
        &mut self,
        held: &RawGuard<'_>,
        wrong: &mut dyn FnMut(&Timer, &'static str),
    ) {
        let next = self.next_expiry();
        self.for_each(held, &mut |timer, place| {
            if place >= BUCKETS {
                return;
            }
            if timer.bucket() != place {
                wrong(timer, "it is in another bucket than it says");
            }
            if !self.is_occupied(place) {
                wrong(timer, "its bucket counts as empty");
            }
            let granule = Jiffies(granularity(place / BUCKETS_PER_LEVEL));
            let latest = timer.expires() + granule;
            let is_late = next.is_none_or(|next| next.is_after(latest) && next.is_after(self.clk));
            if is_late {
                wrong(timer, "it is due before its wheel is");
            }
        });
    }

    /// Takes out every pending timer that `matches`; returns how many.
    pub(crate) fn detach_where(
        &mut self,
        held: &RawGuard<'_>,
        matches: &mut dyn FnMut(&Timer) -> bool,
    ) -> usize {
        let mut count = 0;
        let occupied = self.occupied.into_iter().enumerate();
        let buckets = occupied
            .flat_map(|(level, word)| bits(word).map(move |bit| level * BUCKETS_PER_LEVEL + bit));
        for place in buckets.chain(BUCKETS..BUCKETS + self.due_lists) {
            let mut next = self.list(place).first(held);
            while let Some(timer) = next {
                next = self.list(place).after(held, timer.get_ref());
                if matches(timer.get_ref()) {
                    self.detach(held, timer.get_ref());
                    count += 1;
                }
            }
        }
        count
    }
}

const fn bit(bucket: usize) -> u64 {
    1 << (bucket % BUCKETS_PER_LEVEL)
}

#[cfg(test)]
mod tests;
