//! The pages of an arena: which were written, and what they were.

use std::io;

use crate::sys::PAGE;

pub(super) struct Pages {
    start: usize,
    /// What the pages were.
    copy: Vec<u8>,
    /// Pages that were written at least once since, in the order of that.
    written: Vec<u32>,
}

/// Reserves address space that may be read and written, at `preferred` if nobody is there.
pub(super) fn reserve(preferred: usize, len: usize) -> io::Result<usize> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let map = |at: usize, flags| {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: fresh anonymous memory, never in place of what is there.
        unsafe { libc::mmap(at as *mut _, len, access, flags, -1, 0) }
    };
    let mut start = map(preferred, flags | libc::MAP_FIXED_NOREPLACE);
    if start == libc::MAP_FAILED {
        start = map(0, flags);
    }
    if start == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(start as usize) }
}

impl Pages {
    pub(super) fn new(start: usize) -> Pages {
        Pages { start, copy: Vec::new(), written: Vec::new() }
    }

    /// Remembers the pages up to `end`, and protects them.
    ///
    /// # Safety
    ///
    /// They are the arena's; nobody writes to them meanwhile.
    pub(super) unsafe fn keep(&mut self, end: usize) {
        let len = end - self.start;
        // SAFETY: the pages are mapped, and nobody writes to them while the slice lives.
        self.copy = unsafe { std::slice::from_raw_parts(self.start as *const u8, len) }.to_vec();
        // The handler of a fault does not allocate.
        self.written = Vec::with_capacity(len / PAGE);
        self.protect(self.start, len, libc::PROT_READ);
    }

    /// Copies back all that was written.
    ///
    /// # Safety
    ///
    /// Nobody uses the pages meanwhile, and who does afterwards expects this.
    pub(super) unsafe fn put_back(&mut self) {
        for page in &self.written {
            let offset = *page as usize * PAGE;
            // SAFETY: the page is one of those that were kept, and may be written since it was.
            unsafe {
                let to = (self.start + offset) as *mut u8;
                to.copy_from_nonoverlapping(self.copy.as_ptr().add(offset), PAGE);
            }
        }
    }

    /// Lets a page that was kept be written, if it may not be; whether that was so.
    pub(super) fn unlock(&mut self, page: usize) -> bool {
        let number = page.wrapping_sub(self.start) / PAGE;
        let is_locked = page >= self.start
            && number < self.copy.len() / PAGE
            && !self.written.contains(&(number as u32));
        if !is_locked {
            return false;
        }
        self.protect(page, PAGE, libc::PROT_READ | libc::PROT_WRITE);
        self.written.push(number as u32);
        true
    }

    fn protect(&self, start: usize, len: usize, access: i32) {
        // SAFETY: pages of the arena; whoever writes to a protected one is let do so by `unlock`.
        if len > 0 && unsafe { libc::mprotect(start as *mut _, len, access) } != 0 {
            kthreads_base::fatal("the host does not let memory be protected");
        }
    }

    pub(super) fn release(&mut self) {
        (self.copy, self.written) = (Vec::new(), Vec::new());
    }
}
