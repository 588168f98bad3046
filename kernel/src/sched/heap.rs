//! A pairing heap whose nodes lie in its members, linked by pointers: no allocation, no unsafe.
//!
//! The lowest key is at the root; equal keys come out in the order they went in, because every
//! node takes a ticket on its way in. All of a heap is guarded by the lock of its owner (a run
//! queue or a CPU's sleepers); the fields are atomics only so that they can be shared.
//!
//! Pairing heaps: Fredman, Sedgewick, Sleator, Tarjan, 1986.

use core::marker::PhantomData;
use core::pin::Pin;
use core::sync::atomic::{AtomicU64, Ordering};

use kthreads_base::AtomicRef;

const ORDER: Ordering = Ordering::Relaxed;

/// A member's place in one heap. Members live for as long as the heap's owner does.
pub struct HeapNode<T> {
    key: AtomicU64,
    /// When it came in, compared with others; 0 while it is in no heap. Its links are null then.
    ticket: AtomicU64,
    child: AtomicRef<T>,
    /// The next sibling.
    next: AtomicRef<T>,
    /// The previous sibling, or the parent of a first child.
    prev: AtomicRef<T>,
}

impl<T> core::fmt::Debug for HeapNode<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let key = self.is_queued().then(|| self.key());
        f.debug_struct("HeapNode").field("key", &key).finish_non_exhaustive()
    }
}

impl<T> Default for HeapNode<T> {
    fn default() -> Self {
        HeapNode {
            key: AtomicU64::new(0),
            ticket: AtomicU64::new(0),
            child: AtomicRef::null(),
            next: AtomicRef::null(),
            prev: AtomicRef::null(),
        }
    }
}

impl<T> HeapNode<T> {
    /// The key it was put in with.
    pub fn key(&self) -> u64 {
        self.key.load(ORDER)
    }

    /// Whether it is in a heap.
    #[inline(always)]
    pub fn is_queued(&self) -> bool {
        self.ticket.load(ORDER) != 0
    }
}

/// Says which of a member's nodes a heap uses.
pub trait NodeOf<T> {
    /// The node.
    fn node(item: &T) -> &HeapNode<T>;
}

/// The heap: its root and its ticket machine.
pub struct Heap<T, N> {
    root: AtomicRef<T>,
    tickets: u64,
    len: u32,
    nodes: PhantomData<fn(N)>,
}

impl<T, N> Default for Heap<T, N> {
    fn default() -> Self {
        Heap { root: AtomicRef::null(), tickets: 1, len: 0, nodes: PhantomData }
    }
}

impl<T, N> core::fmt::Debug for Heap<T, N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "a heap of {}", self.len)
    }
}

impl<T, N: NodeOf<T>> Heap<T, N> {
    /// How many members it has.
    #[inline(always)]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether it is empty.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.root.is_null()
    }

    /// The member with the lowest key.
    #[inline]
    pub fn peek(&self) -> Option<Pin<&T>> {
        self.root.get()
    }

    /// A member that `fits`, among those that stand nearest to the root: the one with the lowest
    /// key first, then in no order. Looks at a few only, so that it does not take long.
    pub fn find(&self, fits: impl Fn(&T) -> bool) -> Option<Pin<&T>> {
        const MOST_SEEN: usize = 32;
        // Each node that is seen adds two at most.
        let mut ahead = [None; 2 * MOST_SEEN + 1];
        ahead[0] = self.root.get();
        let (mut first, mut end) = (0, 1);
        while first < end && first < MOST_SEEN {
            let item: Option<Pin<&T>> = ahead[first];
            first += 1;
            let Some(item) = item else { continue };
            if fits(item.get_ref()) {
                return Some(item);
            }
            let node = N::node(item.get_ref());
            ahead[end] = node.child.get();
            ahead[end + 1] = node.next.get();
            end += 2;
        }
        None
    }

    /// Puts `item` in with `key`; it must be in no heap.
    #[inline(always)]
    pub fn push(&mut self, item: Pin<&T>, key: u64) {
        let node = N::node(item.get_ref());
        debug_assert!(!node.is_queued());
        debug_assert!(node.child.is_null() && node.next.is_null() && node.prev.is_null());
        node.key.store(key, ORDER);
        node.ticket.store(self.tickets, ORDER);
        self.tickets += 1;
        self.len += 1;
        match self.root.get() {
            None => self.root.set(Some(item)),
            Some(root) => self.root.set(Some(meld::<T, N>(root, item))),
        }
    }

    /// Takes out the member with the lowest key.
    #[inline(always)]
    pub fn pop<'a>(&mut self) -> Option<Pin<&'a T>> {
        let lowest = self.root.get()?;
        let node = N::node(lowest.get_ref());
        node.ticket.store(0, ORDER);
        self.len -= 1;
        let child = node.child.get();
        if child.is_some() {
            node.child.set(None);
            self.root.set(merge_pairs::<T, N>(child));
        } else {
            self.root.set(None);
        }
        Some(lowest)
    }

    /// Calls `see` with each member; tells what does not hold together.
    pub(crate) fn audit(&self, see: &mut dyn FnMut(&T)) -> Option<&'static str> {
        let mut left = self.len;
        let mut at: Option<Pin<&T>> = self.root.get();
        while let Some(item) = at {
            if left == 0 {
                return Some("there are more than are counted");
            }
            left -= 1;
            see(item.get_ref());
            let node = N::node(item.get_ref());
            let (child, next): (Option<Pin<&T>>, Option<Pin<&T>>) =
                (node.child.get(), node.next.get());
            let points_back = |other: Option<Pin<&T>>| {
                other.is_none_or(|other| N::node(other.get_ref()).prev.is(item.get_ref()))
            };
            if !node.is_queued() {
                return Some("one does not know that it is in line");
            }
            if !points_back(child) || !points_back(next) {
                return Some("a link does not lead back");
            }
            if child.is_some_and(|child| comes_first(N::node(child.get_ref()), node)) {
                return Some("one stands behind another that comes later");
            }
            at = child.or(next).or_else(|| after_subtree::<T, N>(item));
        }
        (left != 0).then_some("there are fewer than are counted")
    }

    /// Takes `item` out; returns whether it was in.
    pub fn remove(&mut self, item: &T) -> bool {
        let node = N::node(item);
        if !node.is_queued() {
            return false;
        }
        node.ticket.store(0, ORDER);
        self.len -= 1;
        let below = merge_pairs::<T, N>(node.child.get());
        node.child.set(None);
        if self.root.is(item) {
            self.root.set(below);
            return true;
        }
        cut::<T, N>(item);
        let both = self.root.get().zip(below).map(|(root, below)| meld::<T, N>(root, below));
        self.root.set(both.or(self.root.get()));
        true
    }
}

/// The sibling of the nearest node above a last sibling that has one.
fn after_subtree<T, N: NodeOf<T>>(last: Pin<&T>) -> Option<Pin<&T>> {
    let mut below = last;
    while let Some(prev) = N::node(below.get_ref()).prev.get() {
        let node = N::node(prev.get_ref());
        let next: Option<Pin<&T>> = node.next.get();
        // Coming up from a child, not along a row.
        if node.child.is(below.get_ref()) && next.is_some() {
            return next;
        }
        below = prev;
    }
    None
}

/// Takes a node that is not the root from among its siblings.
fn cut<T, N: NodeOf<T>>(item: &T) {
    let node = N::node(item);
    let (prev, next) = (node.prev.get(), node.next.get());
    let Some(prev) = prev else { return };
    let above = N::node(prev.get_ref());
    if above.child.is(item) {
        above.child.set(next);
    } else {
        above.next.set(next);
    }
    if let Some(next) = next {
        N::node(next.get_ref()).prev.set(Some(prev));
    }
    node.prev.set(None);
    node.next.set(None);
}

#[inline(always)]
fn comes_first<T>(a: &HeapNode<T>, b: &HeapNode<T>) -> bool {
    // Keys wrap as time does, so they are compared by distance.
    match a.key.load(ORDER).wrapping_sub(b.key.load(ORDER)) as i64 {
        0 => a.ticket.load(ORDER) < b.ticket.load(ORDER),
        distance => distance < 0,
    }
}

/// Joins two heaps with no siblings; returns the root of both.
fn meld<'a, T, N: NodeOf<T>>(a: Pin<&'a T>, b: Pin<&'a T>) -> Pin<&'a T> {
    let a_first = comes_first(N::node(a.get_ref()), N::node(b.get_ref()));
    let (top, under) = if a_first { (a, b) } else { (b, a) };
    let (above, moved) = (N::node(top.get_ref()), N::node(under.get_ref()));
    let first: Option<Pin<&T>> = above.child.get();
    moved.next.set(first);
    moved.prev.set(Some(top));
    if let Some(first) = first {
        N::node(first.get_ref()).prev.set(Some(under));
    }
    above.child.set(Some(under));
    above.next.set(None);
    above.prev.set(None);
    top
}

/// Joins a row of siblings: two by two left to right, then all from the right.
fn merge_pairs<T, N: NodeOf<T>>(first: Option<Pin<&T>>) -> Option<Pin<&T>> {
    /// Takes an item out of its row; returns the one after it.
    fn take<T, N: NodeOf<T>>(item: Pin<&T>) -> Option<Pin<&T>> {
        let node = N::node(item.get_ref());
        let next = node.next.get();
        node.next.set(None);
        node.prev.set(None);
        next
    }
    // The pairs made so far, last one first, linked by `next`.
    let mut pairs: Option<Pin<&T>> = None;
    let mut row = first;
    while let Some(one) = row {
        let other = take::<T, N>(one);
        let pair = match other {
            None => {
                row = None;
                one
            }
            Some(other) => {
                row = take::<T, N>(other);
                meld::<T, N>(one, other)
            }
        };
        N::node(pair.get_ref()).next.set(pairs);
        pairs = Some(pair);
    }
    let mut root: Option<Pin<&T>> = None;
    while let Some(pair) = pairs {
        pairs = take::<T, N>(pair);
        root = Some(root.map_or(pair, |root| meld::<T, N>(root, pair)));
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::boxed::Box;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    struct Member {
        number: usize,
        node: HeapNode<Member>,
    }

    struct ByNode;
    impl NodeOf<Member> for ByNode {
        fn node(item: &Member) -> &HeapNode<Member> {
            &item.node
        }
    }

    type TestHeap = Heap<Member, ByNode>;

    fn members(count: usize) -> Vec<Pin<Box<Member>>> {
        (0..count).map(|number| Box::pin(Member { number, node: HeapNode::default() })).collect()
    }

    fn number(member: Option<Pin<&Member>>) -> Option<usize> {
        member.map(|member| member.number)
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push(u64),
        Pop,
        Remove(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (0u64..20).prop_map(Step::Push),
            1 => Just(Step::Pop),
            1 => (0usize..64).prop_map(Step::Remove),
        ];
        prop::collection::vec(step, 0..200)
    }

    #[test]
    fn others_than_the_first_are_found() {
        let members = members(20);
        let mut heap = TestHeap::default();
        assert_eq!(number(heap.find(|_| true)), None);
        members.iter().for_each(|member| heap.push(member.as_ref(), member.number as u64));
        assert_eq!(number(heap.find(|_| true)), Some(0));
        assert_eq!(number(heap.find(|member| member.number == 7)), Some(7));
        assert_eq!(number(heap.pop()), Some(0));
        let found = number(heap.find(|member| member.number > 1));
        assert!(found.is_some_and(|number| number > 1));
        assert_eq!(number(heap.find(|member| member.number > 19)), None);
    }

    proptest! {
        #[test]
        fn it_behaves_as_a_sorted_list(steps in steps(), base in any::<u64>()) {
            let members = members(200);
            let mut heap = TestHeap::default();
            // (key, order of arrival), kept sorted by both.
            let mut model: Vec<(u64, usize)> = Vec::new();
            for (time, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push(key) => {
                        heap.push(members[time].as_ref(), base.wrapping_add(key));
                        let at = model.partition_point(|&(k, _)| k <= key);
                        model.insert(at, (key, time));
                    }
                    Step::Pop => {
                        let expected = (!model.is_empty()).then(|| model.remove(0).1);
                        prop_assert_eq!(number(heap.pop()), expected);
                    }
                    Step::Remove(nth) if !model.is_empty() => {
                        let (_, time) = model.remove(nth % model.len());
                        prop_assert!(heap.remove(&members[time]));
                        prop_assert!(!heap.remove(&members[time]));
                    }
                    Step::Remove(_) => {}
                }
                prop_assert_eq!(heap.len() as usize, model.len());
                prop_assert_eq!(number(heap.peek()), model.first().map(|m| m.1));
            }
            for (_, time) in model {
                prop_assert_eq!(number(heap.pop()), Some(time));
            }
            prop_assert!(heap.is_empty());
        }
    }
}
