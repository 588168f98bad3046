//! A pairing heap whose nodes lie in the tasks, linked by slot index: no allocation, no unsafe.
//!
//! The lowest key is at the root; equal keys come out in the order they went in, because every
//! node takes a ticket on its way in. All of a heap is guarded by the lock of its owner (a run
//! queue or a CPU's sleepers); the fields are atomics only so that they can be shared.
//!
//! Pairing heaps: Fredman, Sedgewick, Sleator, Tarjan, 1986.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::task::NO_TASK;

const ORDER: Ordering = Ordering::Relaxed;

/// A task's place in one heap.
#[derive(Debug)]
pub struct HeapNode {
    key: AtomicU64,
    ticket: AtomicU64,
    child: AtomicU32,
    /// The next sibling.
    next: AtomicU32,
    /// The previous sibling, or the parent of a first child; itself while in no heap.
    prev: AtomicU32,
    queued: AtomicU32,
}

impl Default for HeapNode {
    fn default() -> Self {
        HeapNode {
            key: AtomicU64::new(0),
            ticket: AtomicU64::new(0),
            child: AtomicU32::new(NO_TASK),
            next: AtomicU32::new(NO_TASK),
            prev: AtomicU32::new(NO_TASK),
            queued: AtomicU32::new(0),
        }
    }
}

impl HeapNode {
    /// The key it was put in with.
    pub fn key(&self) -> u64 {
        self.key.load(ORDER)
    }

    /// Whether it is in a heap.
    pub fn is_queued(&self) -> bool {
        self.queued.load(ORDER) != 0
    }
}

/// Where a heap's nodes are found.
pub trait Nodes {
    /// The node of the task with that slot index.
    fn node(&self, index: u32) -> &HeapNode;
}

/// The heap: its root and its ticket machine.
#[derive(Debug)]
pub struct IndexHeap {
    root: u32,
    tickets: u64,
    len: u32,
}

impl Default for IndexHeap {
    fn default() -> Self {
        IndexHeap { root: NO_TASK, tickets: 0, len: 0 }
    }
}

impl IndexHeap {
    /// How many nodes are in it.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.root == NO_TASK
    }

    /// The task with the lowest key.
    pub fn peek(&self) -> Option<u32> {
        (self.root != NO_TASK).then_some(self.root)
    }

    /// A task that `fits`, among those that stand nearest to the root: the one with the lowest
    /// key first, then in no order. Looks at a few only, so that it does not take long.
    pub fn find(&self, nodes: &impl Nodes, fits: impl Fn(u32) -> bool) -> Option<u32> {
        const MOST_SEEN: usize = 32;
        // Each node that is seen adds two at most.
        let mut ahead = [NO_TASK; 2 * MOST_SEEN + 1];
        ahead[0] = self.root;
        let (mut first, mut end) = (0, 1);
        while first < end && first < MOST_SEEN {
            let index = ahead[first];
            first += 1;
            if index == NO_TASK {
                continue;
            }
            if fits(index) {
                return Some(index);
            }
            let node = nodes.node(index);
            ahead[end] = node.child.load(ORDER);
            ahead[end + 1] = node.next.load(ORDER);
            end += 2;
        }
        None
    }

    /// Puts `index` in with `key`; it must be in no heap.
    #[inline(always)]
    pub fn push(&mut self, nodes: &impl Nodes, index: u32, key: u64) {
        let node = nodes.node(index);
        debug_assert!(!node.is_queued());
        node.key.store(key, ORDER);
        node.ticket.store(self.tickets, ORDER);
        self.tickets += 1;
        for link in [&node.child, &node.next, &node.prev] {
            link.store(NO_TASK, ORDER);
        }
        node.queued.store(1, ORDER);
        self.len += 1;
        self.root = if self.root == NO_TASK { index } else { meld(nodes, self.root, index) };
    }

    /// Takes out the task with the lowest key.
    #[inline(always)]
    pub fn pop(&mut self, nodes: &impl Nodes) -> Option<u32> {
        let lowest = self.peek()?;
        let node = nodes.node(lowest);
        node.queued.store(0, ORDER);
        self.len -= 1;
        let child = node.child.load(ORDER);
        self.root = if child == NO_TASK { NO_TASK } else { merge_pairs(nodes, child) };
        Some(lowest)
    }

    /// Takes `index` out; returns whether it was in.
    pub fn remove(&mut self, nodes: &impl Nodes, index: u32) -> bool {
        let node = nodes.node(index);
        if !node.is_queued() {
            return false;
        }
        node.queued.store(0, ORDER);
        self.len -= 1;
        let below = merge_pairs(nodes, node.child.load(ORDER));
        if index == self.root {
            self.root = below;
            return true;
        }
        cut(nodes, index);
        self.root = meld(nodes, self.root, below);
        true
    }
}

/// Takes a node that is not the root from among its siblings.
fn cut(nodes: &impl Nodes, index: u32) {
    let node = nodes.node(index);
    let (prev, next) = (node.prev.load(ORDER), node.next.load(ORDER));
    let above = nodes.node(prev);
    if above.child.load(ORDER) == index {
        above.child.store(next, ORDER);
    } else {
        above.next.store(next, ORDER);
    }
    if next != NO_TASK {
        nodes.node(next).prev.store(prev, ORDER);
    }
    node.prev.store(NO_TASK, ORDER);
    node.next.store(NO_TASK, ORDER);
}

fn comes_first(a: &HeapNode, b: &HeapNode) -> bool {
    // Keys wrap as time does, so they are compared by distance.
    match a.key.load(ORDER).wrapping_sub(b.key.load(ORDER)) as i64 {
        0 => a.ticket.load(ORDER) < b.ticket.load(ORDER),
        distance => distance < 0,
    }
}

/// Joins two heaps with no siblings; returns the root of both.
fn meld(nodes: &impl Nodes, a: u32, b: u32) -> u32 {
    if a == NO_TASK || b == NO_TASK {
        return if a == NO_TASK { b } else { a };
    }
    let (top, under) = if comes_first(nodes.node(a), nodes.node(b)) { (a, b) } else { (b, a) };
    let first = nodes.node(top).child.load(ORDER);
    let moved = nodes.node(under);
    moved.next.store(first, ORDER);
    moved.prev.store(top, ORDER);
    if first != NO_TASK {
        nodes.node(first).prev.store(under, ORDER);
    }
    nodes.node(top).child.store(under, ORDER);
    nodes.node(top).next.store(NO_TASK, ORDER);
    nodes.node(top).prev.store(NO_TASK, ORDER);
    top
}

/// Joins a row of siblings: two by two left to right, then all from the right.
fn merge_pairs(nodes: &impl Nodes, mut first: u32) -> u32 {
    let take = |index: u32| {
        let next = nodes.node(index).next.swap(NO_TASK, ORDER);
        nodes.node(index).prev.store(NO_TASK, ORDER);
        next
    };
    // The pairs made so far, last one first, linked by `next`.
    let mut pairs = NO_TASK;
    while first != NO_TASK {
        let second = take(first);
        let rest = if second == NO_TASK { NO_TASK } else { take(second) };
        let pair = meld(nodes, first, second);
        nodes.node(pair).next.store(pairs, ORDER);
        pairs = pair;
        first = rest;
    }
    let mut root = NO_TASK;
    while pairs != NO_TASK {
        let next = take(pairs);
        root = meld(nodes, root, pairs);
        pairs = next;
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    struct Table(Vec<HeapNode>);
    impl Nodes for Table {
        fn node(&self, index: u32) -> &HeapNode {
            &self.0[index as usize]
        }
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
        let table = Table((0..20).map(|_| HeapNode::default()).collect());
        let mut heap = IndexHeap::default();
        assert_eq!(heap.find(&table, |_| true), None);
        (0..20).for_each(|index| heap.push(&table, index, u64::from(index)));
        assert_eq!(heap.find(&table, |_| true), Some(0));
        assert_eq!(heap.find(&table, |index| index == 7), Some(7));
        assert_eq!(heap.pop(&table), Some(0));
        assert!(heap.find(&table, |index| index > 1).is_some_and(|index| index > 1));
        assert_eq!(heap.find(&table, |index| index > 19), None);
    }

    proptest! {
        #[test]
        fn it_behaves_as_a_sorted_list(steps in steps(), base in any::<u64>()) {
            let table = Table((0..200).map(|_| HeapNode::default()).collect());
            let mut heap = IndexHeap::default();
            // (key, order of arrival, index), kept sorted by the first two.
            let mut model: Vec<(u64, usize, u32)> = Vec::new();
            for (time, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push(key) => {
                        heap.push(&table, time as u32, base.wrapping_add(key));
                        let at = model.partition_point(|&(k, ..)| k <= key);
                        model.insert(at, (key, time, time as u32));
                    }
                    Step::Pop => {
                        let expected = (!model.is_empty()).then(|| model.remove(0).2);
                        prop_assert_eq!(heap.pop(&table), expected);
                    }
                    Step::Remove(nth) if !model.is_empty() => {
                        let (.., index) = model.remove(nth % model.len());
                        prop_assert!(heap.remove(&table, index));
                        prop_assert!(!heap.remove(&table, index));
                    }
                    Step::Remove(_) => {}
                }
                prop_assert_eq!(heap.len() as usize, model.len());
                prop_assert_eq!(heap.peek(), model.first().map(|m| m.2));
            }
            for (.., index) in model {
                prop_assert_eq!(heap.pop(&table), Some(index));
            }
            prop_assert!(heap.is_empty());
        }
    }
}
