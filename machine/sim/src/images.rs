//! Memory for module text and data, which goes back to what it was with the rest of a machine.
//!
//! Schedules end soon after a module is unloaded, and each would ask the host twice for each range
//! of pages: to take it away, and to give it back. So what is freed of a kept image is only
//! *owed*: it is taken away at the next point, before anybody else runs. Two things may come first,
//! since nobody touches a module's memory meanwhile: the end of the thread that freed it, until an
//! interrupt or a switch comes, and a host thread, which takes the machine back or lets it go on. And text that is dropped while the module is there, as that of its init
//! function, is [struck out](Twin).

use std::ptr::NonNull;

use kthreads_base::Protection;
use kthreads_host::process;
use kthreads_host::twin::Twin;

/// The host's pages.
const PAGE: usize = 4096;

/// What was handed out.
#[derive(Default)]
pub(crate) struct Images {
    list: Vec<Image>,
}

struct Image {
    start: NonNull<u8>,
    len: usize,
    /// What each page is used for.
    pages: Vec<Protection>,
    kept: Option<Kept>,
    /// It was given back, but it was kept and may come again.
    is_gone: bool,
}

/// What an image was.
struct Kept {
    pages: Vec<Protection>,
    /// What was in the pages that could be written, by number.
    data: Vec<(usize, Box<[u8]>)>,
    text: Vec<Text>,
}

/// Pages of text that lie side by side.
struct Text {
    twin: Twin,
    start: NonNull<u8>,
    bytes: Box<[u8]>,
    /// What is struck out, by offset and length.
    struck: Vec<(usize, usize)>,
}

// SAFETY: the memory is the machine's, whichever host thread drives it.
unsafe impl Send for Images {}

impl Images {
    pub(crate) fn alloc(&mut self, len: usize) -> Option<NonNull<u8>> {
        let start = process::image_alloc(len)?;
        let pages = vec![Protection::ReadWrite; len.div_ceil(PAGE)];
        self.list.push(Image { start, len, pages, kept: None, is_gone: false });
        Some(start)
    }

    /// Changes what a range is used for.
    ///
    /// # Safety
    ///
    /// As [`process::image_protect`].
    pub(crate) unsafe fn protect(&mut self, start: NonNull<u8>, len: usize, access: Protection) {
        if let Some(image) = self.list.iter_mut().find(|image| image.contains(start)) {
            // SAFETY: the caller's promise.
            if access == Protection::None && unsafe { image.strike(start, len) } {
                return;
            }
            image.note(start, len, access);
        }
        // SAFETY: the caller's promise.
        unsafe { process::image_protect(start, len, access) };
    }

    /// Takes memory back. What was kept is only made inaccessible, when [`settle`](Images::settle)
    /// is called: true if it is to be.
    ///
    /// # Safety
    ///
    /// As [`process::image_free`].
    pub(crate) unsafe fn free(&mut self, start: NonNull<u8>, len: usize) -> bool {
        let place = self.list.iter().position(|image| image.start == start && !image.is_gone);
        let Some(place) = place else { return false };
        let image = &mut self.list[place];
        if image.kept.is_some() {
            image.is_gone = true;
            return true;
        }
        self.list.swap_remove(place);
        // SAFETY: the caller's promise.
        unsafe { process::image_free(start, len) };
        false
    }

    /// Makes inaccessible what is gone.
    ///
    /// # Safety
    ///
    /// Nobody uses it.
    pub(crate) unsafe fn settle(&mut self) {
        for image in self.list.iter_mut().filter(|image| image.is_gone) {
            if image.pages.iter().any(|access| *access != Protection::None) {
                image.note(image.start, image.len, Protection::None);
                // SAFETY: whole pages of the image, which nobody uses any more.
                unsafe { process::image_protect(image.start, image.len, Protection::None) };
            }
        }
    }

    /// Remembers all images as they are now.
    ///
    /// # Safety
    ///
    /// Nobody runs or writes to them meanwhile; this process is not forked while they are there.
    pub(crate) unsafe fn keep(&mut self) {
        for image in &mut self.list {
            let of_use = |wanted| move |access: &(usize, &Protection)| *access.1 == wanted;
            let pages = || image.pages.iter().enumerate();
            let data = pages().filter(of_use(Protection::ReadWrite)).map(|(page, _)| {
                // SAFETY: the page is the image's, can be read, and nobody writes to it.
                let bytes = unsafe { copy(image.page(page), PAGE) };
                (page, bytes)
            });
            let data = data.collect();
            let mut text = Vec::new();
            for run in image.pages.chunk_by(|one, next| one == next) {
                if run[0] != Protection::ReadExecute {
                    continue;
                }
                let offset = run.as_ptr() as usize - image.pages.as_ptr() as usize;
                let start = image.page(offset / size_of::<Protection>());
                // SAFETY: pages of text of the image; the rest is the caller's promise.
                text.extend(unsafe { Text::of(start, run.len() * PAGE) });
            }
            image.kept = Some(Kept { pages: image.pages.clone(), data, text });
        }
    }

    /// Makes all images what they were when they were kept; later ones are freed.
    ///
    /// # Safety
    ///
    /// Nobody uses them meanwhile, nor later ones ever again.
    pub(crate) unsafe fn put_back(&mut self) {
        let later = |image: &mut Image| image.kept.is_none();
        for image in self.list.extract_if(.., later) {
            // SAFETY: by the caller's promise.
            unsafe { process::image_free(image.start, image.len) };
        }
        for image in &mut self.list {
            // SAFETY: as above.
            unsafe { image.put_back() };
        }
    }
}

/// # Safety
///
/// The bytes can be read, and nobody writes to them.
unsafe fn copy(start: NonNull<u8>, len: usize) -> Box<[u8]> {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(start.as_ptr(), len) }.into()
}

impl Text {
    /// # Safety
    ///
    /// As [`Twin::of`].
    unsafe fn of(start: NonNull<u8>, len: usize) -> Option<Text> {
        // SAFETY: the caller's promise.
        let (bytes, twin) = unsafe { (copy(start, len), Twin::of(start, len)?) };
        Some(Text { twin, start, bytes, struck: Vec::new() })
    }

    /// Strikes a range out, if it is all of this text.
    ///
    /// # Safety
    ///
    /// Nobody relies on it.
    unsafe fn strike(&mut self, start: NonNull<u8>, len: usize) -> bool {
        let is_mine = self.twin.contains(start, len);
        if is_mine {
            // SAFETY: just looked at; the rest is the caller's promise.
            unsafe { self.twin.strike(start, len) };
            self.struck.push((start.addr().get() - self.start.addr().get(), len));
        }
        is_mine
    }

    /// Writes all back that is struck out.
    fn write_back(&mut self) {
        for (offset, len) in self.struck.drain(..) {
            // SAFETY: it was struck out there, and these are the bytes.
            unsafe {
                self.twin.write_back(self.start.add(offset), &self.bytes[offset..offset + len]);
            }
        }
    }
}

impl Image {
    fn contains(&self, address: NonNull<u8>) -> bool {
        let offset = address.addr().get().wrapping_sub(self.start.addr().get());
        offset < self.pages.len() * PAGE
    }

    fn page(&self, number: usize) -> NonNull<u8> {
        // SAFETY: who asks has the number of one of the image's pages.
        unsafe { self.start.add(number * PAGE) }
    }

    /// Notes what a range is used for from now on.
    fn note(&mut self, start: NonNull<u8>, len: usize, access: Protection) {
        let first = (start.addr().get() - self.start.addr().get()) / PAGE;
        self.pages[first..first + len.div_ceil(PAGE)].fill(access);
    }

    /// Strikes a range out, if it is text that was kept.
    ///
    /// # Safety
    ///
    /// Nobody relies on it.
    unsafe fn strike(&mut self, start: NonNull<u8>, len: usize) -> bool {
        let Some(kept) = &mut self.kept else { return false };
        let len = len.next_multiple_of(PAGE);
        // SAFETY: the caller's promise.
        kept.text.iter_mut().any(|text| unsafe { text.strike(start, len) })
    }

    /// # Safety
    ///
    /// As [`Images::put_back`].
    unsafe fn put_back(&mut self) {
        let Some(kept) = &mut self.kept else { return };
        self.is_gone = false;
        let mut page = 0;
        while page < self.pages.len() {
            let access = kept.pages[page];
            let differs = |place: usize| {
                kept.pages.get(place) == Some(&access) && self.pages[place] != access
            };
            let count = (page..).take_while(|place| differs(*place)).count();
            if count > 0 {
                // SAFETY: pages of this image; nobody relies on what they are now.
                unsafe {
                    let start = self.start.add(page * PAGE);
                    process::image_protect(start, count * PAGE, access);
                }
            }
            page += count.max(1);
        }
        self.pages.clone_from(&kept.pages);
        kept.text.iter_mut().for_each(Text::write_back);
        for (page, bytes) in &kept.data {
            // SAFETY: the page is this image's and can be written.
            unsafe {
                let to = self.start.as_ptr().add(page * PAGE);
                to.copy_from_nonoverlapping(bytes.as_ptr(), PAGE);
            }
        }
    }
}

impl Drop for Images {
    fn drop(&mut self) {
        // Modules of an abandoned kernel stay where they are; what was kept is only ever freed here.
        for image in self.list.iter().filter(|image| image.is_gone) {
            // SAFETY: it was given back, so nobody uses it.
            unsafe { process::image_free(image.start, image.len) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETURNS: u8 = 0xc3;

    /// What the host lets be done with a page.
    fn access(page: usize) -> String {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("a list");
        let is_in = |line: &&str| {
            let range = line.split(' ').next().and_then(|range| range.split_once('-'));
            let (start, end) = range.expect("a range");
            let number = |text| usize::from_str_radix(text, 16).expect("an address");
            (number(start)..number(end)).contains(&page)
        };
        let line = maps.lines().find(is_in).expect("a mapping");
        line.split(' ').nth(1).expect("what may be done").to_owned()
    }

    fn run(start: NonNull<u8>) {
        // SAFETY: a function that returns at once was put there.
        unsafe { std::mem::transmute::<NonNull<u8>, extern "C" fn()>(start)() };
    }

    #[test]
    fn what_is_gone_comes_back() {
        kthreads_host::process::Process::prepare().expect("handlers of faults");
        let mut images = Images::default();
        let start = images.alloc(3 * PAGE).expect("memory");
        // SAFETY: the memory is the test's, and nobody else runs it or writes to it.
        unsafe {
            start.write_bytes(RETURNS, 3 * PAGE);
            images.protect(start, 2 * PAGE, Protection::ReadExecute);
            images.keep();
            let (init, data) = (start.add(PAGE), start.add(2 * PAGE));
            for _ in 0..3 {
                run(init);
                data.write(1);
                images.protect(init, PAGE, Protection::None);
                assert_ne!(init.read(), RETURNS);
                run(start);
                assert!(images.free(start, 3 * PAGE), "it is owed");
                assert!(access(start.addr().get()).starts_with("r-x"));
                images.settle();
                for page in 0..3 {
                    assert!(access(start.addr().get() + page * PAGE).starts_with("---"));
                }
                images.put_back();
                assert_eq!((init.read(), data.read()), (RETURNS, RETURNS));
                assert!(access(init.addr().get()).starts_with("r-x"));
                assert!(access(data.addr().get()).starts_with("rw-"));
            }
        }
    }
}
