//! Classes of locks: what is learnt about one lock holds for all of its class.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::finding::Site;
use crate::label::{Label, Name};
use crate::usage::Usage;

/// Names a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClassId(pub(crate) u16);

impl ClassId {
    /// No class: nobody has looked yet.
    pub const NONE: ClassId = ClassId(0);
    /// Stands for locks that are not looked at.
    pub const UNCHECKED: ClassId = ClassId(ClassId::MASK);

    pub(crate) const MASK: u16 = (1 << 14) - 1;
    /// How many classes there can be at most.
    pub(crate) const MOST: usize = ClassId::MASK as usize;

    /// Whether it names a class.
    #[inline]
    pub fn is_some(self) -> bool {
        self != ClassId::NONE && self != ClassId::UNCHECKED
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// What a class stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The address of a key of a place of initialisation, of a variable, a function, or the place
    /// where locks of which nothing else is known are first taken.
    pub address: usize,
    is_place: bool,
}

impl Key {
    /// The locks that were initialised with a key at that address, or the variable or function
    /// that lies there.
    pub const fn of(address: usize) -> Key {
        Key { address, is_place: false }
    }

    /// The locks that were first taken at that place. That two of them have to do with each other
    /// is not sure, so that one may be taken under the other.
    pub const fn of_place(address: usize) -> Key {
        Key { address, is_place: true }
    }

    pub(crate) fn is_place(self) -> bool {
        self.is_place
    }
}

/// What kind of lock it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Who waits for it spins.
    Spinning,
    /// Who waits for it sleeps.
    Sleeping,
    /// As `Sleeping`, but it may also be used to tell others something; see
    /// [`Validator::confirm`](crate::Validator::confirm).
    Semaphore,
    /// No lock: a function that others may wait for to end.
    Function,
}

impl Kind {
    /// The kind of waiting, as Linux shows it.
    pub(crate) fn wait_type(self) -> u8 {
        match self {
            Kind::Spinning => 2,
            Kind::Sleeping | Kind::Semaphore => 3,
            Kind::Function => 0,
        }
    }
}

/// A class.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    pub(crate) key: Key,
    pub(crate) subclass: u8,
    pub(crate) kind: Kind,
    name: Name,
    version: u16,
    /// Whether it makes orders: a semaphore does once it was seen to be used as a lock.
    pub(crate) is_lock: bool,
    /// The states that locks of it were taken in.
    pub(crate) usage: Usage,
    /// These, and those that do not go with them and have been told of.
    pub(crate) seen: Usage,
    /// Where each state was first seen.
    pub(crate) since: [Site; 4],
    /// The first order that begins with it, and the first that ends with it.
    pub(crate) out: u32,
    pub(crate) into: u32,
    /// The next class in a bucket or in the list of free ones.
    next: u16,
    is_used: bool,
}

impl Class {
    pub(crate) fn name(&self) -> Name {
        self.name
    }

    /// Whether it was found out that its locks are none.
    pub(crate) fn is_dismissed(&self) -> bool {
        !self.is_lock && self.seen == Usage::ALL
    }

    pub(crate) fn label(&self) -> Label {
        let (version, subclass, kind, usage) = (self.version, self.subclass, self.kind, self.usage);
        Label { name: self.name, version, subclass, kind, usage }
    }
}

/// All classes.
#[derive(Debug)]
pub(crate) struct Classes {
    list: Vec<Class>,
    buckets: Box<[u16]>,
    /// Classes that are gone, the one that has been for longest first.
    first_free: u16,
    last_free: u16,
    limit: usize,
    used: usize,
}

/// There is no room for another class.
pub(crate) struct NoRoom;

impl Classes {
    pub(crate) fn new(limit: usize) -> Classes {
        let limit = limit.min(ClassId::MOST - 1);
        Classes {
            list: Vec::with_capacity(limit),
            buckets: (0..(limit / 2).next_power_of_two()).map(|_| 0).collect(),
            first_free: 0,
            last_free: 0,
            limit,
            used: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.used
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    fn bucket(&self, key: Key) -> usize {
        let mixed = (key.address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 40) as usize & (self.buckets.len() - 1)
    }

    pub(crate) fn get(&self, id: ClassId) -> &Class {
        &self.list[id.index() - 1]
    }

    pub(crate) fn get_mut(&mut self, id: ClassId) -> &mut Class {
        &mut self.list[id.index() - 1]
    }

    /// All classes that are there, in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ClassId, &Class)> {
        let numbered = self.list.iter().enumerate();
        numbered.filter(|(_, class)| class.is_used).map(|(n, class)| (ClassId(n as u16 + 1), class))
    }

    pub(crate) fn find(&self, key: Key, subclass: u8) -> Option<ClassId> {
        let mut number = self.buckets[self.bucket(key)];
        while number != 0 {
            let class = self.get(ClassId(number));
            if class.key == key && class.subclass == subclass {
                return Some(ClassId(number));
            }
            number = class.next;
        }
        None
    }

    /// Adds a class that is not there.
    pub(crate) fn add(
        &mut self,
        key: Key,
        subclass: u8,
        kind: Kind,
        name: &str,
    ) -> Result<ClassId, NoRoom> {
        let name = Name::new(name);
        let version = self.version_of(key, name);
        let bucket = self.bucket(key);
        let class = Class {
            key,
            subclass,
            kind,
            name,
            version,
            is_lock: kind != Kind::Semaphore,
            usage: Usage::NONE,
            seen: Usage::NONE,
            since: [Site::NOWHERE; 4],
            out: 0,
            into: 0,
            next: self.buckets[bucket],
            is_used: true,
        };
        let id = self.place(class)?;
        self.buckets[bucket] = id.0;
        self.used += 1;
        Ok(id)
    }

    /// Which class of that name this is to be: the first has 1.
    fn version_of(&self, key: Key, name: Name) -> u16 {
        let same_name = || self.iter().map(|(_, class)| class).filter(|class| class.name == name);
        let same_key = same_name().find(|class| class.key == key);
        same_key.map_or_else(
            || same_name().map(|class| class.version).max().unwrap_or(0) + 1,
            |class| class.version,
        )
    }

    /// The number of one that is gone is used again as late as possible, so that who still has the
    /// old one does no harm.
    fn place(&mut self, class: Class) -> Result<ClassId, NoRoom> {
        if self.list.len() < self.limit {
            self.list.push(class);
            return Ok(ClassId(self.list.len() as u16));
        }
        let id = ClassId(self.first_free);
        if id == ClassId::NONE {
            return Err(NoRoom);
        }
        self.first_free = self.get(id).next;
        if self.first_free == 0 {
            self.last_free = 0;
        }
        *self.get_mut(id) = class;
        Ok(id)
    }

    /// Takes a class out; it has no orders any more.
    pub(crate) fn remove(&mut self, id: ClassId) {
        let (key, next) = (self.get(id).key, self.get(id).next);
        let bucket = self.bucket(key);
        if self.buckets[bucket] == id.0 {
            self.buckets[bucket] = next;
        } else {
            let mut before = ClassId(self.buckets[bucket]);
            while self.get(before).next != id.0 {
                before = ClassId(self.get(before).next);
            }
            self.get_mut(before).next = next;
        }
        let class = self.get_mut(id);
        (class.next, class.is_used) = (0, false);
        self.used -= 1;
        match ClassId(self.last_free) {
            ClassId::NONE => self.first_free = id.0,
            last => self.get_mut(last).next = id.0,
        }
        self.last_free = id.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    fn key(address: usize) -> Key {
        Key::of(address)
    }

    fn add(classes: &mut Classes, address: usize, name: &str) -> ClassId {
        classes.add(key(address), 0, Kind::Sleeping, name).ok().expect("room")
    }

    #[test]
    fn classes_of_one_name_are_numbered() {
        let mut classes = Classes::new(8);
        let ids = [add(&mut classes, 1, "&x->y"), add(&mut classes, 2, "&x->y")];
        let nested = classes.add(key(2), 1, Kind::Sleeping, "&x->y").ok().expect("room");
        let labels = [ids[0], ids[1], nested].map(|id| classes.get(id).label().to_string());
        assert_eq!(labels, ["&x->y", "&x->y#2", "&x->y#2/1"]);
        let shown = classes.get(nested).label().with_usage().to_string();
        assert_eq!(shown, "(&x->y#2/1){....}-{3:3}");
    }

    #[test]
    fn numbers_are_used_again_at_the_last() {
        let mut classes = Classes::new(4);
        let ids: Vec<ClassId> = (1..=4).map(|n| add(&mut classes, n * 64, "a")).collect();
        assert!(classes.add(key(9), 0, Kind::Sleeping, "a").is_err());
        classes.remove(ids[2]);
        classes.remove(ids[0]);
        assert_eq!((classes.len(), classes.find(key(64), 0)), (2, None));
        assert_eq!(classes.find(key(128), 0), Some(ids[1]));
        assert_eq!(add(&mut classes, 9, "b"), ids[2]);
        assert_eq!(add(&mut classes, 10, "b"), ids[0]);
        assert_eq!(classes.get(ids[0]).label().to_string(), "b#2");
        assert!(classes.add(key(11), 0, Kind::Sleeping, "a").is_err());
    }
}
