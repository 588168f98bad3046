//! Which classes were taken while which were held.

use alloc::vec::Vec;

use crate::class::{Class, ClassId, Classes};
use crate::finding::{Link, Site};

/// An order of two classes. Numbers of orders begin at 1; 0 is none.
#[derive(Clone, Debug)]
struct Order {
    from: ClassId,
    to: ClassId,
    /// The next that begins with the same class, or the next that is free.
    next_out: u32,
    /// The next that ends with the same class.
    next_into: u32,
    from_place: usize,
    site: Site,
    /// Whether it was part of a circle that has been told of.
    is_told: bool,
}

/// Which way orders are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To what is taken under a class.
    Down,
    /// To what a class is taken under.
    Up,
}

/// What a search through the graph needs.
#[derive(Debug)]
struct Search {
    queue: Vec<ClassId>,
    /// The order by which each class was reached, and in which search that was.
    reached: Vec<(u32, u32)>,
    round: u32,
}

/// The classes and their orders. There is never a circle.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) classes: Classes,
    orders: Vec<Order>,
    first_free: u32,
    used: usize,
    limit: usize,
    search: Search,
}

/// There is no room for another order.
pub(crate) struct NoRoom;

impl Graph {
    pub(crate) fn new(classes: usize, orders: usize) -> Graph {
        let classes = Classes::new(classes);
        let room = classes.limit() + 1;
        let search = Search {
            queue: Vec::with_capacity(room),
            reached: (0..room).map(|_| (0, 0)).collect(),
            round: 0,
        };
        let list = Vec::with_capacity(orders);
        Graph { classes, orders: list, first_free: 0, used: 0, limit: orders, search }
    }

    pub(crate) fn order_count(&self) -> usize {
        self.used
    }

    pub(crate) fn order_limit(&self) -> usize {
        self.limit
    }

    fn order(&self, number: u32) -> &Order {
        &self.orders[number as usize - 1]
    }

    fn order_mut(&mut self, number: u32) -> &mut Order {
        &mut self.orders[number as usize - 1]
    }

    /// The numbers of the orders that lead on from a class.
    fn from(&self, class: ClassId, way: Way) -> impl Iterator<Item = u32> {
        let class = self.classes.get(class);
        let first = if way == Way::Down { class.out } else { class.into };
        let there_is = |number: u32| (number != 0).then_some(number);
        core::iter::successors(there_is(first), move |number| {
            let order = self.order(*number);
            there_is(if way == Way::Down { order.next_out } else { order.next_into })
        })
    }

    /// The classes that were taken right under a class, in the order this was seen.
    pub(crate) fn below(&self, class: ClassId) -> Vec<ClassId> {
        let mut found: Vec<_> = self.from(class, Way::Down).map(|n| self.order(n).to).collect();
        found.reverse();
        found
    }

    /// Finds the nearest class that is wanted, the first one among them, and how it is reached.
    pub(crate) fn find(
        &mut self,
        start: ClassId,
        way: Way,
        wanted: impl Fn(ClassId, &Class) -> bool,
    ) -> Option<ClassId> {
        let mut search = core::mem::replace(&mut self.search, Search::empty());
        let found = self.search(&mut search, start, way, wanted);
        self.search = search;
        found
    }

    fn search(
        &self,
        search: &mut Search,
        start: ClassId,
        way: Way,
        wanted: impl Fn(ClassId, &Class) -> bool,
    ) -> Option<ClassId> {
        search.begin(start);
        let mut next = 0;
        while let Some(&class) = search.queue.get(next) {
            if wanted(class, self.classes.get(class)) {
                return Some(class);
            }
            for number in self.from(class, way) {
                let order = self.order(number);
                search.reach(if way == Way::Down { order.to } else { order.from }, number);
            }
            next += 1;
        }
        None
    }

    /// Whether one class leads to another.
    pub(crate) fn leads(&mut self, from: ClassId, to: ClassId) -> bool {
        self.find(from, Way::Down, |class, _| class == to).is_some()
    }

    /// The orders by which the last search reached a class, in the direction they were seen in.
    fn path(&self, found: ClassId, way: Way) -> Vec<u32> {
        let mut path = Vec::new();
        let mut class = found;
        loop {
            let (by, _) = self.search.reached[class.index()];
            if by == 0 {
                break;
            }
            path.push(by);
            class = if way == Way::Down { self.order(by).from } else { self.order(by).to };
        }
        if way == Way::Down {
            path.reverse();
        }
        path
    }

    /// The orders by which the last search reached a class, from the top down.
    pub(crate) fn links(&self, found: ClassId, way: Way) -> Vec<Link> {
        let link = |number: u32| {
            let Order { from, to, from_place, site, .. } = *self.order(number);
            let (from, to) = (self.classes.get(from).label(), self.classes.get(to).label());
            Link { from, to, from_place, site }
        };
        self.path(found, way).into_iter().map(link).collect()
    }

    /// Marks the orders by which the last search, downwards, reached a class as told of. Returns
    /// whether all were before.
    pub(crate) fn mark_told(&mut self, found: ClassId) -> bool {
        let mut all = true;
        for number in self.path(found, Way::Down) {
            let order = self.order_mut(number);
            all &= order.is_told;
            order.is_told = true;
        }
        all
    }

    /// Adds an order, which must not close a circle.
    pub(crate) fn add(
        &mut self,
        from: ClassId,
        to: ClassId,
        from_place: usize,
        site: Site,
    ) -> Result<(), NoRoom> {
        let (next_out, next_into) = (self.classes.get(from).out, self.classes.get(to).into);
        let order = Order { from, to, next_out, next_into, from_place, site, is_told: false };
        let number = self.place(order)?;
        self.classes.get_mut(from).out = number;
        self.classes.get_mut(to).into = number;
        self.used += 1;
        Ok(())
    }

    fn place(&mut self, order: Order) -> Result<u32, NoRoom> {
        let number = self.first_free;
        if number != 0 {
            self.first_free = self.order(number).next_out;
            *self.order_mut(number) = order;
            return Ok(number);
        }
        if self.orders.len() == self.limit {
            return Err(NoRoom);
        }
        self.orders.push(order);
        Ok(self.orders.len() as u32)
    }

    /// Forgets all orders of a class.
    pub(crate) fn isolate(&mut self, class: ClassId) {
        for way in [Way::Down, Way::Up] {
            let numbers: Vec<u32> = self.from(class, way).collect();
            numbers.into_iter().for_each(|number| self.remove(number));
        }
    }

    fn remove(&mut self, number: u32) {
        let Order { from, to, next_out, next_into, .. } = *self.order(number);
        if self.classes.get(from).out == number {
            self.classes.get_mut(from).out = next_out;
        } else {
            let before = self.from(from, Way::Down).find(|n| self.order(*n).next_out == number);
            before.into_iter().for_each(|before| self.order_mut(before).next_out = next_out);
        }
        if self.classes.get(to).into == number {
            self.classes.get_mut(to).into = next_into;
        } else {
            let before = self.from(to, Way::Up).find(|n| self.order(*n).next_into == number);
            before.into_iter().for_each(|before| self.order_mut(before).next_into = next_into);
        }
        self.order_mut(number).next_out = self.first_free;
        self.first_free = number;
        self.used -= 1;
    }
}

impl Search {
    fn empty() -> Search {
        Search { queue: Vec::new(), reached: Vec::new(), round: 0 }
    }

    fn begin(&mut self, start: ClassId) {
        self.round = self.round.wrapping_add(1);
        self.queue.clear();
        self.reach(start, 0);
    }

    fn reach(&mut self, class: ClassId, by: u32) {
        let reached = &mut self.reached[class.index()];
        if reached.1 != self.round || self.queue.is_empty() {
            *reached = (by, self.round);
            self.queue.push(class);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::{Key, Kind};

    fn graph(classes: usize, orders: usize) -> (Graph, Vec<ClassId>) {
        let mut graph = Graph::new(classes, orders);
        let add = |n: usize| {
            let key = Key::of(n);
            graph.classes.add(key, 0, Kind::Sleeping, "lock").ok().expect("room")
        };
        let ids = (0..classes).map(add).collect();
        (graph, ids)
    }

    fn site(place: usize) -> Site {
        Site { place, ..Site::NOWHERE }
    }

    #[test]
    fn the_shortest_way_is_found() {
        let (mut graph, ids) = graph(6, 10);
        for (n, (from, to)) in [(0, 1), (1, 2), (2, 3), (0, 4), (4, 3)].into_iter().enumerate() {
            assert!(graph.add(ids[from], ids[to], 10 * n, site(10 * n + 1)).is_ok());
        }
        let is = |id: ClassId| move |class: ClassId, _: &Class| class == id;
        assert_eq!(graph.find(ids[0], Way::Down, is(ids[3])), Some(ids[3]));
        let places: Vec<usize> =
            graph.links(ids[3], Way::Down).iter().map(|link| link.site.place).collect();
        assert_eq!(places, [31, 41]);
        assert_eq!(graph.find(ids[3], Way::Up, is(ids[1])), Some(ids[1]));
        let places: Vec<usize> =
            graph.links(ids[1], Way::Up).iter().map(|link| link.from_place).collect();
        assert_eq!(places, [10, 20]);
        assert_eq!(graph.find(ids[3], Way::Down, is(ids[0])), None);
        assert_eq!(graph.find(ids[5], Way::Up, is(ids[5])), Some(ids[5]));
        assert_eq!(graph.links(ids[5], Way::Up), []);
        assert_eq!(graph.below(ids[0]), [ids[1], ids[4]]);
    }

    #[test]
    fn told_orders_are_known() {
        let (mut graph, ids) = graph(3, 2);
        assert!(graph.add(ids[0], ids[1], 0, site(0)).is_ok());
        assert!(graph.leads(ids[0], ids[1]) && !graph.mark_told(ids[1]));
        assert!(graph.add(ids[1], ids[2], 0, site(0)).is_ok());
        assert!(graph.leads(ids[0], ids[2]) && !graph.mark_told(ids[2]));
        assert!(graph.leads(ids[0], ids[2]) && graph.mark_told(ids[2]));
    }

    #[test]
    fn orders_of_a_class_are_forgotten() {
        let (mut graph, ids) = graph(4, 4);
        for (from, to) in [(0, 1), (0, 2), (1, 2), (3, 1)] {
            assert!(graph.add(ids[from], ids[to], 0, site(0)).is_ok());
        }
        assert!(graph.add(ids[2], ids[3], 0, site(0)).is_err());
        graph.isolate(ids[1]);
        assert_eq!(graph.order_count(), 1);
        assert!(!graph.leads(ids[3], ids[1]) && graph.leads(ids[0], ids[2]));
        assert_eq!(graph.below(ids[0]), [ids[2]]);
        for _ in 0..3 {
            assert!(graph.add(ids[2], ids[3], 0, site(0)).is_ok());
        }
        assert!(graph.add(ids[2], ids[3], 0, site(0)).is_err());
    }
}
