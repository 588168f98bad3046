//! The lines of the source, from a module's debug sections.
//!
//! Nothing is read before the first question. Who asks while another is being answered gets no
//! line: reports must not wait for each other.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

use addr2line::Context;
use gimli::{Dwarf, EndianArcSlice, LittleEndian};
use kthreads_base::SpinLock;
use kthreads_loader::Image;

type Reader = EndianArcSlice<LittleEndian>;

#[derive(Default)]
enum State {
    /// Nobody has asked.
    #[default]
    Unread,
    /// Somebody asks now, or there is nothing to be had.
    Unavailable,
    Ready(Box<Context<Reader>>),
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
        let state = core::mem::replace(&mut *self.state.lock(), State::Unavailable);
        let context = match state {
            State::Unread => Box::new(read(image)?),
            State::Unavailable => return None,
            State::Ready(context) => context,
        };
        let line = line(&context, address);
        *self.state.lock() = State::Ready(context);
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
