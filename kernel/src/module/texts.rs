//! Texts that string parameters point to (Linux: kmalloced_params in kernel/params.c).
//!
//! A module's `char *` parameter begins as a constant of its own, and points to a copy once
//! somebody has set it. Which of the two it is, only this list can tell.

use alloc::vec::Vec;

use crate::Kernel;

impl Kernel {
    /// Keeps a text for a parameter and returns its address, which is good until
    /// [`drop_text`](Kernel::drop_text).
    pub fn keep_text(&self, text: Vec<u8>) -> usize {
        let address = text.as_ptr() as usize;
        self.modules.texts.lock().push(text);
        address
    }

    /// Frees a text that is kept; false if the address is not that of one.
    pub fn drop_text(&self, address: usize) -> bool {
        let mut texts = self.modules.texts.lock();
        let found = texts.iter().position(|text| text.as_ptr() as usize == address);
        let text = found.map(|index| texts.swap_remove(index));
        drop(texts);
        text.is_some()
    }
}
