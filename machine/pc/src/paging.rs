//! The kernel's address space: one for all processors.
//!
//! | where | what |
//! |---|---|
//! | `0xffff_8000_0000_0000` | all physical memory, read-write, in pages of 2 MiB |
//! | `0xffff_c000_0000_0000` | kernel stacks, 64 GiB in slots (stacks.rs) |
//! | `0xffff_c800_0000_0000` | text and data of modules, 64 GiB (image.rs) |
//! | `0xffff_ffff_8000_0000` | the image: text read-execute, constants read, data read-write |
//!
//! The lower half is empty: address 0 and user addresses fault.

use core::sync::atomic::{AtomicU64, Ordering};

use x86_64::registers::control::{Cr3, Cr3Flags, Cr4, Cr4Flags};
use x86_64::structures::paging::mapper::{MapToError, Mapper, OffsetPageTable};
use x86_64::structures::paging::{
    FrameAllocator, Page, PageTable, PageTableFlags, PhysFrame, Size2MiB, Size4KiB,
};
use x86_64::{PhysAddr, VirtAddr};

use crate::frames::{FrameMemory, Frames, PAGE, Region};
use crate::hard_lock::HardLock;

const PHYSICAL_BASE: u64 = 0xffff_8000_0000_0000;
const IMAGE_BASE: u64 = 0xffff_ffff_8000_0000;
const LARGE_PAGE: u64 = 2 << 20;
const FOUR_GIB: u64 = 4 << 30;
/// Devices lie in the last 20 MiB below 4 GiB (I/O and local interrupt controllers).
const DEVICES: u64 = 0xfec0_0000;

/// Where the range of kernel stacks begins.
pub(crate) const STACKS: u64 = 0xffff_c000_0000_0000;
/// How long the ranges of stacks and of modules are.
pub(crate) const RANGE_LEN: u64 = 64 << 30;
/// Where the range of module memory begins.
pub(crate) const MODULES: u64 = 0xffff_c800_0000_0000;

/// The address at which physical memory is read and written.
pub(crate) fn physical(address: u64) -> *mut u8 {
    (PHYSICAL_BASE + address) as *mut u8
}

/// Memory through the physical map.
#[derive(Debug)]
pub(crate) struct PhysicalMap;

impl FrameMemory for PhysicalMap {
    fn read(&self, frame: u64) -> u64 {
        // SAFETY: free frames belong to the allocator, and all memory is mapped there.
        unsafe { physical(frame).cast::<u64>().read() }
    }
    fn write(&self, frame: u64, word: u64) {
        // SAFETY: as above.
        unsafe { physical(frame).cast::<u64>().write(word) };
    }
}

static FRAMES: HardLock<Frames<PhysicalMap>> = HardLock::new(Frames::new(PhysicalMap));
static TABLES: HardLock<Option<OffsetPageTable<'static>>> = HardLock::new(None);
/// The physical address of the top table, for the processors that start later.
static TOP: AtomicU64 = AtomicU64::new(0);

/// The free physical memory.
pub(crate) fn frames() -> &'static HardLock<Frames<PhysicalMap>> {
    &FRAMES
}

struct ZeroedFrames;

// SAFETY: each frame is handed out once until it is given back.
unsafe impl FrameAllocator<Size4KiB> for ZeroedFrames {
    fn allocate_frame(&mut self) -> Option<PhysFrame> {
        take_zeroed().map(|frame| PhysFrame::containing_address(PhysAddr::new(frame)))
    }
}

fn take_zeroed() -> Option<u64> {
    let frame = FRAMES.lock().take()?;
    // SAFETY: the frame is ours now, and mapped.
    unsafe { physical(frame).write_bytes(0, PAGE as usize) };
    Some(frame)
}

unsafe extern "C" {
    static image_start: u8;
    static text_end: u8;
    static rodata_end: u8;
    static image_end: u8;
}

fn address_of(symbol: &'static u8) -> u64 {
    core::ptr::from_ref(symbol) as u64
}

/// The part of physical memory that the image takes, from its first byte at 1 MiB.
pub(crate) fn image_region() -> Region {
    // SAFETY: set by the linker script; only the address is used.
    let end = address_of(unsafe { &image_end });
    Region { start: 0x10_0000, end: end - IMAGE_BASE }
}

/// Builds the address space and enters it. The first 4 GiB of memory are still mapped as boot.s
/// did; `end` is the end of physical memory.
///
/// # Panics
///
/// When there is no memory for the tables.
pub(crate) fn init(end: u64) {
    let top = take_zeroed().expect("memory for page tables");
    // SAFETY: the frame was just taken and is all zeroes: an empty table.
    let table = unsafe { &mut *physical(top).cast::<PageTable>() };
    // SAFETY: all of physical memory that tables can come from now is mapped at that offset.
    let mut tables = unsafe { OffsetPageTable::new(table, VirtAddr::new(PHYSICAL_BASE)) };
    map_physical_memory(&mut tables, end.max(FOUR_GIB));
    map_image(&mut tables);
    TOP.store(top, Ordering::Release);
    *TABLES.lock() = Some(tables);
    enter();
}

fn map_physical_memory(tables: &mut OffsetPageTable<'static>, end: u64) {
    let rw = PageTableFlags::PRESENT | PageTableFlags::WRITABLE | PageTableFlags::NO_EXECUTE;
    for address in (0..end).step_by(LARGE_PAGE as usize) {
        let is_device = (DEVICES..FOUR_GIB).contains(&address);
        let flags = if is_device { rw | PageTableFlags::NO_CACHE } else { rw };
        let page = Page::<Size2MiB>::containing_address(VirtAddr::new(PHYSICAL_BASE + address));
        let frame = PhysFrame::containing_address(PhysAddr::new(address));
        // SAFETY: the tables are not in use yet; this range means physical memory and no other.
        let mapped = unsafe { tables.map_to(page, frame, flags, &mut ZeroedFrames) };
        mapped.expect("memory for page tables").ignore();
    }
}

fn map_image(tables: &mut OffsetPageTable<'static>) {
    let read = PageTableFlags::PRESENT | PageTableFlags::NO_EXECUTE;
    // SAFETY: set by the linker script; only the addresses are used.
    let bounds = unsafe { [&image_start, &text_end, &rodata_end, &image_end].map(address_of) };
    let parts = [PageTableFlags::PRESENT, read, read | PageTableFlags::WRITABLE];
    for (bounds, flags) in bounds.windows(2).zip(parts) {
        for address in (bounds[0]..bounds[1]).step_by(PAGE as usize) {
            let page = Page::<Size4KiB>::containing_address(VirtAddr::new(address));
            let frame = PhysFrame::containing_address(PhysAddr::new(address - IMAGE_BASE));
            // SAFETY: as above; each part of the image gets what its contents need.
            let mapped = unsafe { tables.map_to(page, frame, flags, &mut ZeroedFrames) };
            mapped.expect("memory for page tables").ignore();
        }
    }
}

/// Enters the address space on the calling processor, and turns its protections on.
pub(crate) fn enter() {
    let top = PhysFrame::containing_address(PhysAddr::new(TOP.load(Ordering::Acquire)));
    // SAFETY: the tables map the image, its stacks, and all memory as the running code uses them.
    unsafe { Cr3::write(top, Cr3Flags::empty()) };
    let leaf = core::arch::x86_64::__cpuid_count(7, 0);
    let wanted = [
        (leaf.ebx & 1 << 7, Cr4Flags::SUPERVISOR_MODE_EXECUTION_PROTECTION),
        (leaf.ebx & 1 << 20, Cr4Flags::SUPERVISOR_MODE_ACCESS_PREVENTION),
        (leaf.ecx & 1 << 2, Cr4Flags::USER_MODE_INSTRUCTION_PREVENTION),
    ];
    let flags = wanted.into_iter().filter(|(has, _)| *has != 0).map(|(_, flag)| flag).collect();
    // SAFETY: there is no user memory that the kernel would use, so none of these takes anything.
    unsafe { Cr4::update(|cr4| cr4.insert(flags)) };
}

/// What a page is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Nothing: it keeps its frame, and every access faults.
    Nothing,
    /// Reading.
    Read,
    /// Reading and running.
    Run,
    /// Reading and writing.
    Write,
}

impl Use {
    fn flags(self) -> PageTableFlags {
        let read = PageTableFlags::PRESENT | PageTableFlags::NO_EXECUTE;
        match self {
            // The frame stays in the entry; BIT_9 tells it from an empty one.
            Use::Nothing => PageTableFlags::BIT_9,
            Use::Read => read,
            Use::Run => PageTableFlags::PRESENT,
            Use::Write => read | PageTableFlags::WRITABLE,
        }
    }
}

fn page_at(address: u64) -> Page<Size4KiB> {
    Page::containing_address(VirtAddr::new(address))
}

fn with_tables<R>(body: impl FnOnce(&mut OffsetPageTable<'static>) -> R) -> R {
    let mut tables = TABLES.lock();
    body(tables.as_mut().expect("the address space was built at the start"))
}

/// Maps zeroed memory for reading and writing at `start`, `len` bytes (whole pages) that are not
/// mapped; false, and nothing is mapped, when there is no memory.
pub(crate) fn map(start: u64, len: u64) -> bool {
    for address in (start..start + len).step_by(PAGE as usize) {
        if !map_page(address) {
            unmap(start, address - start);
            return false;
        }
    }
    true
}

fn map_page(address: u64) -> bool {
    let Some(frame) = take_zeroed() else { return false };
    let flags = Use::Write.flags();
    let frame = PhysFrame::containing_address(PhysAddr::new(frame));
    // SAFETY: the page is of a range of this crate's and not mapped; the frame is a fresh one.
    let mapped = with_tables(|tables| unsafe {
        tables.map_to(page_at(address), frame, flags, &mut ZeroedFrames)
    });
    match mapped {
        // Nothing was mapped there, and absent pages are not cached.
        Ok(flush) => flush.ignore(),
        Err(MapToError::FrameAllocationFailed) => {
            FRAMES.lock().give(frame.start_address().as_u64());
            return false;
        }
        Err(_) => kthreads_base::fatal("a page of the kernel's was mapped twice"),
    }
    true
}

/// Changes what mapped pages are for. The caller has the other processors forget them.
pub(crate) fn set_use(start: u64, len: u64, usage: Use) {
    for address in (start..start + len).step_by(PAGE as usize) {
        // SAFETY: the caller of the machine vouches that nobody relies on what is taken away.
        let done = with_tables(|tables| unsafe { update(tables, address, usage) });
        if !done {
            kthreads_base::fatal("module memory that is not mapped cannot be protected");
        }
    }
}

/// Sets the flags of an entry, present or not: the library's own does not touch absent ones.
///
/// # Safety
///
/// As for [`Mapper::update_flags`].
unsafe fn update(tables: &mut OffsetPageTable<'static>, address: u64, usage: Use) -> bool {
    let at = VirtAddr::new(address);
    let mut table: *mut PageTable = tables.level_4_table_mut();
    for index in [at.p4_index(), at.p3_index(), at.p2_index()] {
        // SAFETY: a table of ours, which the lock keeps to us.
        let entry = unsafe { &(&*table)[index] };
        if entry.is_unused() {
            return false;
        }
        table = physical(entry.addr().as_u64()).cast();
    }
    // SAFETY: as above.
    let entry = unsafe { &mut (&mut *table)[at.p1_index()] };
    if entry.is_unused() {
        return false;
    }
    entry.set_flags(usage.flags());
    x86_64::instructions::tlb::flush(at);
    true
}

/// How many pages are unmapped at a time.
const BATCH: usize = 256;

/// Unmaps pages and frees their memory, once no processor remembers them; pages that are not
/// mapped are passed by.
pub(crate) fn unmap(start: u64, len: u64) {
    unmap_all((start..start + len).step_by(PAGE as usize));
}

/// As [`unmap`], for the pages at these addresses. To have the processors forget them takes long
/// and is done once for many.
pub(crate) fn unmap_all(mut pages: impl Iterator<Item = u64>) {
    let mut taken = [0; BATCH];
    loop {
        let mut count = 0;
        let mut is_over = true;
        for address in pages.by_ref() {
            if let Some(frame) = with_tables(|tables| take_out(tables, address)) {
                taken[count] = frame;
                count += 1;
            }
            if count == BATCH {
                is_over = false;
                break;
            }
        }
        if count != 0 {
            crate::shootdown::flush_everywhere();
        }
        for frame in &taken[..count] {
            FRAMES.lock().give(*frame);
        }
        if is_over {
            return;
        }
    }
}

/// Takes a page out of the tables; returns its frame.
fn take_out(tables: &mut OffsetPageTable<'static>, address: u64) -> Option<u64> {
    // SAFETY: only makes an absent page present for the moment, so that the library finds it;
    // nobody uses it.
    if !unsafe { update(tables, address, Use::Read) } {
        return None;
    }
    match tables.unmap(page_at(address)) {
        Ok((frame, flush)) => {
            flush.flush();
            Some(frame.start_address().as_u64())
        }
        Err(_) => kthreads_base::fatal("a page of the kernel's cannot be unmapped"),
    }
}
