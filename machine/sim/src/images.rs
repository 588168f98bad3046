//! Memory for module text and data, which goes back to what it was with the rest of a machine.

use std::ptr::NonNull;

use kthreads_base::Protection;
use kthreads_host::process;

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
            let first = (start.addr().get() - image.start.addr().get()) / PAGE;
            image.pages[first..first + len.div_ceil(PAGE)].fill(access);
        }
        // SAFETY: the caller's promise.
        unsafe { process::image_protect(start, len, access) };
    }

    /// Takes memory back; what was kept is only made inaccessible.
    ///
    /// # Safety
    ///
    /// As [`process::image_free`].
    pub(crate) unsafe fn free(&mut self, start: NonNull<u8>, len: usize) {
        let place = self.list.iter().position(|image| image.start == start && !image.is_gone);
        let Some(place) = place else { return };
        let image = &mut self.list[place];
        if image.kept.is_some() {
            image.is_gone = true;
            image.pages.fill(Protection::None);
            // SAFETY: whole pages of the image, which nobody uses any more.
            unsafe { process::image_protect(start, len, Protection::None) };
            return;
        }
        self.list.swap_remove(place);
        // SAFETY: the caller's promise.
        unsafe { process::image_free(start, len) };
    }

    /// Remembers all images as they are now.
    ///
    /// # Safety
    ///
    /// Nobody writes to them meanwhile.
    pub(crate) unsafe fn keep(&mut self) {
        for image in &mut self.list {
            let writable = image.pages.iter().enumerate();
            let writable = writable.filter(|(_, access)| **access == Protection::ReadWrite);
            let data = writable.map(|(page, _)| {
                // SAFETY: the page is the image's, can be read, and nobody writes to it.
                let bytes = unsafe {
                    std::slice::from_raw_parts(image.start.as_ptr().add(page * PAGE), PAGE)
                };
                (page, Box::from(bytes))
            });
            image.kept = Some(Kept { pages: image.pages.clone(), data: data.collect() });
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

impl Image {
    fn contains(&self, address: NonNull<u8>) -> bool {
        let offset = address.addr().get().wrapping_sub(self.start.addr().get());
        offset < self.pages.len() * PAGE
    }

    /// # Safety
    ///
    /// As [`Images::put_back`].
    unsafe fn put_back(&mut self) {
        let Some(kept) = &self.kept else { return };
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
