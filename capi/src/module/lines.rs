//! The lines of the source, from a module's debug sections.
//!
//! Nothing is read before the first question. Reports must not wait for each other: who asks while
//! another is being answered reads the sections anew. Only so many may ask at once, for a lookup
//! that goes wrong is reported too, and that report asks again.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

use addr2line::Context;
use gimli::{Dwarf, EndianArcSlice, LittleEndian};
use kthreads_base::SpinLock;
use kthreads_loader::Image;

type Reader = EndianArcSlice<LittleEndian>;

/// How many may ask at once.
const MAX_ASKING: u32 = 8;

#[derive(Default)]
struct State {
    /// How many ask now; one whose thread was killed meanwhile asks forever.
    asking: u32,
    /// Whether there is nothing to be had.
    is_unreadable: bool,
    /// What was read, while nobody uses it.
    read: Option<Box<Context<Reader>>>,
}

/// Finds lines in one image.
#[derive(Default)]
pub(super) struct Lines {
    state: SpinLock<State>,
}

impl Lines {
    /// Finds the line of an instruction, as `file:line`; with functions that were inlined there,
    /// as `file:line in function, inlined at file:line`, the innermost first. Inline functions of
    /// headers are left out.
    pub(super) fn find(&self, image: &Image, address: usize) -> Option<String> {
        let kept = {
            let mut state = self.state.lock();
            if state.is_unreadable || state.asking == MAX_ASKING {
                return None;
            }
            state.asking += 1;
            state.read.take()
        };
        let context = kept.or_else(|| read(image).map(Box::new));
        let line = context.as_ref().and_then(|context| line(context, address));
        let surplus = {
            let mut state = self.state.lock();
            state.asking -= 1;
            match context {
                Some(context) => state.read.replace(context),
                None => {
                    // Another may have had the memory that this one lacked.
                    state.is_unreadable = state.read.is_none();
                    None
                }
            }
        };
        drop(surplus);
        line
    }
}

fn read(image: &Image) -> Option<Context<Reader>> {
    let sections = image.debug_sections();
    let load = |id: gimli::SectionId| -> Result<Reader, gimli::Error> {
        let section = sections.iter().find(|section| section.name == id.name());
        let bytes = section.map_or(&[][..], |section| section.bytes.as_slice());
        Ok(Reader::new(Arc::from(bytes), LittleEndian))
    };
    Context::from_dwarf(Dwarf::load(load).ok()?).ok()
}

fn line(context: &Context<Reader>, address: usize) -> Option<String> {
    let mut frames = context.find_frames(address as u64).skip_all_loads().ok()?;
    let mut text = String::new();
    let mut inner_function = None;
    while let Ok(Some(frame)) = frames.next() {
        let Some(place) = frame.location.as_ref().and_then(place) else { continue };
        // A place in a header says less than the one that it was called from.
        let header_only = text.split(':').next().is_some_and(|file| file.ends_with(".h"));
        if text.is_empty() || header_only {
            text = place;
        } else {
            let name: Option<String> = inner_function.take();
            let name = name.as_deref().unwrap_or("?");
            text = format!("{text} in {name}, inlined at {place}");
        }
        let name = frame.function.as_ref().and_then(|function| function.raw_name().ok());
        inner_function = name.map(String::from);
    }
    (!text.is_empty()).then_some(text)
}

fn place(location: &addr2line::Location<'_>) -> Option<String> {
    let (path, line) = (location.file?, location.line?);
    let file = path.rsplit('/').next().unwrap_or(path);
    Some(format!("{file}:{line}"))
}
