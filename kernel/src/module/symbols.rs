//! Names and lines behind addresses: of loaded modules, and of what the kernel itself exports.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::AtomicUsize;

use kthreads_base::{Fault, run_on};

use crate::Kernel;
use crate::format::FixedText;

/// A symbol of a module, with the distance to it.
#[derive(Clone, Copy, Debug)]
pub struct SymbolAt<'a> {
    /// Its name.
    pub name: &'a str,
    /// How far the address is behind its beginning.
    pub offset: usize,
    /// How long it is.
    pub size: usize,
    /// Whose it is.
    pub module: &'a str,
    /// Where in the source the address is, if that is known.
    pub line: Option<&'a str>,
}

/// A symbol of a loaded image, for /proc/kallsyms.
#[derive(Clone, Debug)]
pub struct ImageSymbol {
    /// Its address.
    pub address: usize,
    /// Its kind, as nm has it.
    pub letter: char,
    /// Its name.
    pub name: String,
}

/// The loaded image of a module, as far as the book needs it.
pub trait Image: Send + Sync {
    /// The lowest address.
    fn base(&self) -> usize;
    /// The size of all that is loaded, in bytes.
    fn size(&self) -> usize;
    /// Whether an address lies in the image.
    fn contains(&self, address: usize) -> bool;
    /// The address of the first CPU's copy of the object at an address, which is in the image.
    fn first_copy(&self, address: usize) -> usize {
        address
    }
    /// Whether an address lies in text that may run now.
    fn contains_text(&self, address: usize) -> bool;
    /// Whether an address is one in the text that a call returns to.
    fn is_return_address(&self, address: usize) -> bool {
        self.contains_text(address)
    }
    /// The function that the call right before a return address goes to, if the instruction says.
    fn callee_before(&self, _return_address: usize) -> Option<usize> {
        None
    }
    /// Whether an address lies in what the module itself cannot write to: constants, text.
    fn is_constant(&self, address: usize) -> bool {
        self.contains_text(address)
    }
    /// Whether an address lies in what only initialisation needed, and which is gone.
    fn is_dropped(&self, _address: usize) -> bool {
        false
    }
    /// Finds the symbol an address belongs to.
    fn symbolize(&self, address: usize, found: &mut dyn FnMut(&str, usize, usize)) -> bool;
    /// As [`symbolize`](Image::symbolize), also for code that initialisation alone ran.
    fn symbolize_past(&self, address: usize, found: &mut dyn FnMut(&str, usize, usize)) -> bool {
        self.symbolize(address, found)
    }
    /// Shows the module's variables: the address of the first word, and all words as they are now.
    fn with_variables(&self, _look: &mut dyn FnMut(usize, &[AtomicUsize])) {}
    /// All symbols.
    fn symbols(&self) -> Vec<ImageSymbol>;
    /// Where in the source an address of the text is, if that is known: `file:line`, and for code
    /// that was inlined `file:line in function, inlined at file:line`.
    fn line_of(&self, _address: usize) -> Option<String> {
        None
    }
}

/// The symbols the kernel itself offers.
pub trait KernelSymbols: Send + Sync {
    /// Finds the symbol that begins at an address or contains it.
    fn symbolize(&self, address: usize, found: &mut dyn FnMut(&str, usize, usize)) -> bool;
    /// All of them.
    fn symbols(&self) -> Vec<ImageSymbol>;
    /// The pointer in a register that the address of a fault was made from.
    fn used_base(&self, _fault: &Fault) -> Option<u64> {
        None
    }
    /// The address that the instruction of a fault used, read off the instruction and the
    /// registers, where the processor does not tell.
    fn used_address(&self, _fault: &Fault) -> Option<usize> {
        None
    }
}

impl Kernel {
    /// Tells the kernel its own exported symbols.
    pub fn set_kernel_symbols(&self, symbols: Arc<dyn KernelSymbols>) {
        *self.modules.exports.lock() = Some(symbols);
    }

    /// The symbols of the kernel itself.
    pub fn kernel_symbols(&self) -> Option<Arc<dyn KernelSymbols>> {
        self.modules.exports.lock().clone()
    }

    /// The image that an address lies in, and its module's name; also that of an unloaded module
    /// in which threads still run.
    fn image_at(&self, address: usize) -> Option<(String, Arc<dyn Image>)> {
        for module in self.modules() {
            let image = module.image().filter(|image| image.contains(address));
            if let Some(image) = image {
                return Some((module.name.clone(), image));
            }
        }
        self.kept_image_at(address)
    }

    /// Whether an address lies in a module's image.
    pub fn is_in_module(&self, address: usize) -> bool {
        self.image_at(address).is_some()
    }

    /// The line of the source, looked up on a stack of its own if there is one: that takes more
    /// than a thread may have left.
    fn line_of(&self, image: &dyn Image, address: usize) -> Option<String> {
        let Some(mut stack) = self.machine.stack_alloc() else { return image.line_of(address) };
        let mut line = None;
        run_on(&mut stack, &mut || line = image.line_of(address));
        self.machine.stack_free(stack);
        line
    }

    /// Finds the symbol of a module that an address belongs to and hands it to `found`.
    pub fn with_symbol(&self, address: usize, found: &mut dyn FnMut(SymbolAt<'_>)) -> bool {
        let Some((module, image)) = self.image_at(address) else { return false };
        image.symbolize(address, &mut |name, offset, size| {
            found(SymbolAt { name, offset, size, module: &module, line: None });
        })
    }

    /// As [`with_symbol`](Kernel::with_symbol), for text only and with the line of the source; that
    /// takes much longer, so it is for back traces. `address` is that of an instruction: for a
    /// return address give the one before.
    pub fn with_symbol_line(&self, address: usize, found: &mut dyn FnMut(SymbolAt<'_>)) -> bool {
        let image = self.image_at(address);
        let Some((module, image)) = image.filter(|(_, image)| image.contains_text(address)) else {
            return false;
        };
        let line = self.line_of(&*image, address);
        image.symbolize(address, &mut |name, offset, size| {
            found(SymbolAt { name, offset, size, module: &module, line: line.as_deref() });
        })
    }

    /// As [`with_symbol_line`](Kernel::with_symbol_line), also for code that initialisation alone
    /// ran: for places that are remembered.
    pub fn with_past_symbol(&self, address: usize, found: &mut dyn FnMut(SymbolAt<'_>)) -> bool {
        let Some((module, image)) = self.image_at(address) else { return false };
        let line = self.line_of(&*image, address);
        image.symbolize_past(address, &mut |name, offset, size| {
            found(SymbolAt { name, offset, size, module: &module, line: line.as_deref() });
        })
    }

    /// The name of what lies at an address, with its offset: `name+0x10`.
    pub fn name_of(&self, address: usize) -> Option<Box<FixedText<96>>> {
        use core::fmt::Write;
        let mut text = Box::new(FixedText::<96>::default());
        let found = self.with_symbol(address, &mut |symbol| {
            // A name that is too long is cut.
            let _ = write!(text, "{}", symbol.name);
            if symbol.offset != 0 {
                let _ = write!(text, "+{:#x}", symbol.offset);
            }
        });
        found.then_some(text)
    }
}
