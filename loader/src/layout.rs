//! Where everything of an image will lie, relative to its start.

use crate::class::{Class, PAGE_BYTES};
use crate::error::LoadError;
use crate::per_cpu::PerCpu;
use crate::raw::{Home, LE, MAX_IMAGE_BYTES, Place, RawSection, RawSymbol, RelocTable};
use crate::reloc::RelocKind;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

pub(crate) const SLOT_BYTES: usize = 8;
pub(crate) const STUB_BYTES: usize = 8;
const STUBS_ALIGN: usize = 16;

/// What the relocations of the loaded sections need of a symbol, and where it then lies.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SymbolNeeds {
    pub(crate) is_referenced: bool,
    /// Offset of the GOT slot.
    pub(crate) got_slot: Option<usize>,
    /// Offset of the jump stub.
    pub(crate) stub: Option<usize>,
    /// Offset of the memory of a common symbol.
    pub(crate) common: Option<usize>,
}

/// A plan of an image; every offset counts from the image's start.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) sections: Vec<Option<usize>>,
    pub(crate) symbols: Vec<SymbolNeeds>,
    pub(crate) classes: [Range<usize>; Class::ALL.len()],
    pub(crate) stubs: Range<usize>,
    pub(crate) got: Range<usize>,
    pub(crate) commons: Range<usize>,
    /// The whole length, in full pages, at least one.
    pub(crate) len: usize,
    /// The alignment of the image's start, a page at least.
    pub(crate) align: usize,
}

impl Layout {
    pub(crate) fn plan(
        sections: &[RawSection<'_>],
        symbols: &[RawSymbol<'_>],
        relocations: &[RelocTable<'_>],
        per_cpu: PerCpu,
    ) -> Result<Self, LoadError> {
        let needs = Needs::collect(sections, symbols, relocations);
        let mut planner = Planner { cursor: 0, align: PAGE_BYTES };
        let mut layout = Self {
            sections: vec![None; sections.len()],
            symbols: vec![SymbolNeeds::default(); symbols.len()],
            classes: core::array::from_fn(|_| 0..0),
            stubs: 0..0,
            got: 0..0,
            commons: 0..0,
            len: 0,
            align: PAGE_BYTES,
        };
        for class in Class::ALL {
            let start = planner.place(0, PAGE_BYTES)?;
            layout.place_sections(&mut planner, class, sections)?;
            match class {
                Class::Text => layout.place_stubs(&mut planner, &needs.stubs)?,
                Class::ReadOnly => layout.place_got(&mut planner, &needs.got)?,
                Class::PerCpu => planner.place_copies(start, per_cpu)?,
                Class::Bss => layout.place_commons(&mut planner, symbols)?,
                _ => {}
            }
            layout.classes[class.index()] = start..planner.cursor;
        }
        for (symbol, is_referenced) in layout.symbols.iter_mut().zip(needs.referenced) {
            symbol.is_referenced = is_referenced;
        }
        layout.len = planner.place(0, PAGE_BYTES)?.max(PAGE_BYTES);
        layout.align = planner.align;
        Ok(layout)
    }

    fn place_sections(
        &mut self,
        planner: &mut Planner,
        class: Class,
        sections: &[RawSection<'_>],
    ) -> Result<(), LoadError> {
        for (section, offset) in sections.iter().zip(&mut self.sections) {
            if section.home == Home::Loaded(class) {
                *offset = Some(planner.place(section.size, section.align)?);
            }
        }
        Ok(())
    }

    fn place_stubs(&mut self, planner: &mut Planner, stubs: &[usize]) -> Result<(), LoadError> {
        if stubs.is_empty() {
            return Ok(());
        }
        let start = planner.place(stubs.len() * STUB_BYTES, STUBS_ALIGN)?;
        for (index, symbol) in stubs.iter().enumerate() {
            self.symbols[*symbol].stub = Some(start + index * STUB_BYTES);
        }
        self.stubs = start..planner.cursor;
        Ok(())
    }

    fn place_got(&mut self, planner: &mut Planner, got: &[usize]) -> Result<(), LoadError> {
        let start = planner.place(got.len() * SLOT_BYTES, SLOT_BYTES)?;
        for (index, symbol) in got.iter().enumerate() {
            self.symbols[*symbol].got_slot = Some(start + index * SLOT_BYTES);
        }
        self.got = start..planner.cursor;
        Ok(())
    }

    fn place_commons(
        &mut self,
        planner: &mut Planner,
        symbols: &[RawSymbol<'_>],
    ) -> Result<(), LoadError> {
        let start = planner.cursor;
        for (symbol, needs) in symbols.iter().zip(&mut self.symbols) {
            if let Place::Common { align } = symbol.place {
                needs.common = Some(planner.place(symbol.size, align)?);
            }
        }
        self.commons = start..planner.cursor;
        Ok(())
    }
}

/// Hands out offsets from low to high.
struct Planner {
    cursor: usize,
    align: usize,
}

impl Planner {
    fn place(&mut self, size: usize, align: usize) -> Result<usize, LoadError> {
        // Sizes and alignments were checked to be far below the range of usize.
        let start = self.cursor.next_multiple_of(align);
        let end = start + size;
        if end as u64 > MAX_IMAGE_BYTES {
            return Err(LoadError::malformed("the module would be larger than 1 GiB"));
        }
        self.align = self.align.max(align);
        self.cursor = end;
        Ok(start)
    }

    /// Leaves room for the other CPUs' copies of what was placed from `start` on.
    fn place_copies(&mut self, start: usize, per_cpu: PerCpu) -> Result<(), LoadError> {
        let bytes = self.cursor - start;
        if bytes == 0 {
            return Ok(());
        }
        per_cpu.check(bytes)?;
        self.place((per_cpu.copies - 1) * per_cpu.stride_bytes, 1).map(drop)
    }
}

/// Which symbols want a GOT slot or a jump stub, in order of first use.
struct Needs {
    referenced: Vec<bool>,
    got: Vec<usize>,
    stubs: Vec<usize>,
}

impl Needs {
    fn collect(
        sections: &[RawSection<'_>],
        symbols: &[RawSymbol<'_>],
        relocations: &[RelocTable<'_>],
    ) -> Self {
        let mut referenced = vec![false; symbols.len()];
        let (mut got, mut stubs) = (Picks::new(symbols.len()), Picks::new(symbols.len()));
        let loaded =
            |table: &&RelocTable<'_>| matches!(sections[table.target].home, Home::Loaded(_));
        for entry in relocations.iter().filter(loaded).flat_map(|table| table.entries) {
            let index = entry.r_sym(LE, false) as usize;
            let (Some(symbol), Some(kind)) =
                (symbols.get(index), RelocKind::from_elf(entry.r_type(LE, false)))
            else {
                continue;
            };
            referenced[index] |= kind != RelocKind::None;
            let needs_stub = kind == RelocKind::Plt32 && matches!(symbol.place, Place::Undefined);
            if needs_stub {
                stubs.pick(index);
            }
            // A stub jumps through the symbol's slot.
            if kind.uses_got() || needs_stub {
                got.pick(index);
            }
        }
        Self { referenced, got: got.order, stubs: stubs.order }
    }
}

struct Picks {
    is_picked: Vec<bool>,
    order: Vec<usize>,
}

impl Picks {
    fn new(len: usize) -> Self {
        Self { is_picked: vec![false; len], order: Vec::new() }
    }

    fn pick(&mut self, index: usize) {
        if !core::mem::replace(&mut self.is_picked[index], true) {
            self.order.push(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(class: Class, size: usize, align: usize) -> RawSection<'static> {
        RawSection { name: "s", home: Home::Loaded(class), size, align, bytes: &[] }
    }

    fn plan(sections: &[RawSection<'_>]) -> Result<Layout, LoadError> {
        Layout::plan(sections, &[], &[], PerCpu::ONE_CPU)
    }

    #[test]
    fn per_cpu_data_has_room_for_all_its_copies() {
        let sections = [section(Class::PerCpu, 100, 64), section(Class::Bss, 8, 8)];
        let per_cpu = PerCpu { copies: 4, stride_bytes: 0x2000 };
        let layout = Layout::plan(&sections, &[], &[], per_cpu).expect("fits");
        assert_eq!(layout.sections, [0, 0x7000].map(Some));
        assert_eq!(layout.classes[Class::PerCpu.index()], 0..3 * 0x2000 + 100);
        let large = [section(Class::PerCpu, 0x2001, 64)];
        assert!(Layout::plan(&large, &[], &[], per_cpu).is_err());
        assert_eq!(Layout::plan(&[], &[], &[], per_cpu).expect("empty").len, PAGE_BYTES);
    }

    #[test]
    fn classes_are_pages_of_their_own_in_order() {
        let sections = [
            section(Class::Bss, 3, 1),
            section(Class::Text, 10, 16),
            section(Class::Data, 8, 64),
            section(Class::Text, 5, 16),
            section(Class::InitData, 1, 1),
        ];
        let layout = plan(&sections).expect("fits");
        assert_eq!(layout.sections, [0x3000, 0, 0x2000, 16, 0x1000].map(Some));
        assert_eq!(layout.classes[Class::Text.index()], 0..21);
        assert_eq!(layout.classes[Class::InitData.index()], 0x1000..0x1001);
        assert_eq!(layout.classes[Class::Bss.index()], 0x3000..0x3003);
        assert_eq!((layout.len, layout.align), (0x4000, PAGE_BYTES));
    }

    #[test]
    fn large_alignments_reach_the_image_and_large_sizes_fail() {
        let layout = plan(&[section(Class::Data, 1, 1 << 16)]).expect("fits");
        assert_eq!(layout.align, 1 << 16);
        let half = section(Class::Bss, (MAX_IMAGE_BYTES / 2) as usize, 1);
        let more = section(Class::Data, (MAX_IMAGE_BYTES / 2) as usize + 1, 1);
        assert!(plan(&[half, more]).is_err());
        assert_eq!(plan(&[]).expect("empty").len, PAGE_BYTES);
    }
}
