//! A loaded image, as the kernel's book of modules knows it.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::AtomicUsize;

use kthreads_base::{SpinGuard, SpinLock};
use kthreads_kernel::module::{self, ImageSymbol};
use kthreads_loader::{Class, DebugSection, Image};

use super::calls;
use super::data::DataSymbols;
use super::lines::Lines;

/// The image of a module. It lives as long as somebody may ask for its names, which can be longer
/// than its memory.
pub struct LoadedImage {
    pub(super) image: Image,
    /// The module may read these for as long as it is there.
    _data: Arc<DataSymbols>,
    lines: Lines,
    /// Held while the image's memory is read.
    reading: SpinLock<()>,
}

impl LoadedImage {
    pub(super) fn new(image: Image, data: Arc<DataSymbols>) -> Arc<LoadedImage> {
        Arc::new(LoadedImage {
            image,
            _data: data,
            lines: Lines::default(),
            reading: SpinLock::new(()),
        })
    }

    /// Keeps the image's memory as it is now, for who looks first whether it is there.
    pub(super) fn keep(&self) -> SpinGuard<'_, ()> {
        self.reading.lock()
    }

    /// Waits for those who read memory of the image that has just been struck from it.
    pub(super) fn wait_for_readers(&self) {
        drop(self.reading.lock());
    }

    /// Makes copies of the debug sections with run-time addresses in them.
    pub fn debug_sections(&self) -> Vec<DebugSection<'_>> {
        self.image.debug_sections()
    }
}

impl module::Image for LoadedImage {
    fn base(&self) -> usize {
        self.image.base()
    }

    fn size(&self) -> usize {
        self.image.len()
    }

    fn contains(&self, address: usize) -> bool {
        self.image.contains(address)
    }

    fn first_copy(&self, address: usize) -> usize {
        self.image.first_copy(address)
    }

    fn contains_text(&self, address: usize) -> bool {
        self.image.contains_text(address)
    }

    fn is_return_address(&self, address: usize) -> bool {
        calls::ends_before(self, address)
    }

    fn callee_before(&self, return_address: usize) -> Option<usize> {
        calls::callee_before(self, return_address)
    }

    fn is_constant(&self, address: usize) -> bool {
        self.contains(address) && !self.image.writable().contains(&address)
    }

    fn is_dropped(&self, address: usize) -> bool {
        let init = self.image.init_text().start..self.image.range(Class::ReadOnlyAfterInit).start;
        init.contains(&address) && !self.contains_text(self.image.init_text().start)
    }

    fn symbolize(&self, address: usize, found: &mut dyn FnMut(&str, usize, usize)) -> bool {
        let symbol = self.image.symbolize(address);
        if let Some(symbol) = &symbol {
            found(symbol.name, symbol.offset, symbol.size);
        }
        symbol.is_some()
    }

    fn symbolize_past(&self, address: usize, found: &mut dyn FnMut(&str, usize, usize)) -> bool {
        let symbol = self.image.symbolize_past(address);
        if let Some(symbol) = &symbol {
            found(symbol.name, symbol.offset, symbol.size);
        }
        symbol.is_some()
    }

    fn with_variables(&self, look: &mut dyn FnMut(usize, &[AtomicUsize])) {
        let _kept = self.keep();
        if self.image.is_unloaded() {
            return;
        }
        let range = self.image.writable();
        let start = range.start.next_multiple_of(size_of::<usize>());
        let len = range.end.saturating_sub(start) / size_of::<usize>();
        // SAFETY: the module's variables, mapped and writable while the image is loaded, which it
        // stays until the guard goes. C may write to them at any time.
        look(start, unsafe { core::slice::from_raw_parts(start as *const AtomicUsize, len) });
    }

    fn symbols(&self) -> Vec<ImageSymbol> {
        let symbol = |symbol: &kthreads_loader::Symbol| ImageSymbol {
            address: symbol.address(),
            letter: symbol.letter(),
            name: String::from(symbol.name()),
        };
        self.image.symbols().map(symbol).collect()
    }

    fn line_of(&self, address: usize) -> Option<String> {
        self.contains(address).then(|| self.lines.find(&self.image, address)).flatten()
    }
}
