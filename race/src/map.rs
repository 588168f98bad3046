//! A map from addresses, made for speed: open addressing, no removal.

const EMPTY: usize = usize::MAX;

/// What can be made as if it were new, without giving memory back.
pub(crate) trait Clear {
    fn clear(&mut self);
}

/// A map from addresses to `T`.
pub(crate) struct WordMap<T> {
    keys: Vec<usize>,
    values: Vec<T>,
    /// The places that are not empty.
    used: Vec<u32>,
}

impl<T: Default> Default for WordMap<T> {
    fn default() -> Self {
        WordMap::with_capacity(64)
    }
}

impl<T: Default> WordMap<T> {
    fn with_capacity(capacity: usize) -> WordMap<T> {
        let values = (0..capacity).map(|_| T::default()).collect();
        WordMap { keys: vec![EMPTY; capacity], values, used: Vec::new() }
    }

    fn place(&self, key: usize) -> usize {
        let mask = self.keys.len() - 1;
        let mixed = (key as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let mut place = mixed as usize & mask;
        while self.keys[place] != key && self.keys[place] != EMPTY {
            place = (place + 1) & mask;
        }
        place
    }

    /// The value of `key`, if it was ever asked for.
    pub(crate) fn get(&self, key: usize) -> Option<&T> {
        let place = self.place(key);
        (self.keys[place] == key).then(|| &self.values[place])
    }

    /// As `get`.
    pub(crate) fn get_mut(&mut self, key: usize) -> Option<&mut T> {
        let place = self.place(key);
        (self.keys[place] == key).then(|| &mut self.values[place])
    }

    /// The value of `key`, which becomes part of the map.
    pub(crate) fn get_or_default(&mut self, key: usize) -> &mut T {
        let mut place = self.place(key);
        if self.keys[place] == EMPTY {
            if self.used.len() * 2 >= self.keys.len() {
                self.grow();
                place = self.place(key);
            }
            self.keys[place] = key;
            self.used.push(place as u32);
        }
        &mut self.values[place]
    }

    /// Whether nothing was ever asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.used.is_empty()
    }

    fn grow(&mut self) {
        let bigger = WordMap::with_capacity(self.keys.len() * 2);
        let old = std::mem::replace(self, bigger);
        for (key, value) in old.keys.into_iter().zip(old.values) {
            if key != EMPTY {
                *self.get_or_default(key) = value;
            }
        }
    }
}

impl<T: Clear> Clear for WordMap<T> {
    fn clear(&mut self) {
        for place in self.used.drain(..) {
            self.keys[place as usize] = EMPTY;
            self.values[place as usize].clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_again() {
        let mut map = WordMap::<usize>::default();
        for key in 0..1000 {
            *map.get_or_default(key * 8) = key;
        }
        for key in 0..1000 {
            assert_eq!(map.get(key * 8), Some(&key));
            assert_eq!(map.get(key * 8 + 1), None);
        }
    }
}
