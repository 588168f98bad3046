//! The kinds of relocation that module code has, and how each is computed.

use alloc::format;
use alloc::string::String;
use object::elf;

/// A kind of relocation that the loader knows; everything else is rejected by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RelocKind {
    None,
    Abs64,
    Pc32,
    Pc64,
    Plt32,
    GotPcRel,
    GotPcRelX,
    RexGotPcRelX,
}

/// What a relocation stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    Nothing,
    Word(u64),
    /// A distance for a 32-bit field, not yet checked to fit.
    Distance(i64),
}

/// The addresses that a relocation is computed from, named as in the processor supplement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operands {
    /// S: the symbol.
    pub(crate) symbol: u64,
    /// L: where a call of the symbol goes, the symbol itself or its jump stub.
    pub(crate) call_target: u64,
    /// The symbol's slot in the GOT, if it has one.
    pub(crate) got_slot: u64,
    /// A: the addend, which is not -4 when an immediate follows the field.
    pub(crate) addend: i64,
    /// P: the field.
    pub(crate) place: u64,
}

impl RelocKind {
    pub(crate) fn from_elf(kind: elf::RelocationType) -> Option<Self> {
        Some(match kind {
            elf::R_X86_64_NONE => Self::None,
            elf::R_X86_64_64 => Self::Abs64,
            elf::R_X86_64_PC32 => Self::Pc32,
            elf::R_X86_64_PC64 => Self::Pc64,
            elf::R_X86_64_PLT32 => Self::Plt32,
            elf::R_X86_64_GOTPCREL => Self::GotPcRel,
            elf::R_X86_64_GOTPCRELX => Self::GotPcRelX,
            elf::R_X86_64_REX_GOTPCRELX => Self::RexGotPcRelX,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "R_X86_64_NONE",
            Self::Abs64 => "R_X86_64_64",
            Self::Pc32 => "R_X86_64_PC32",
            Self::Pc64 => "R_X86_64_PC64",
            Self::Plt32 => "R_X86_64_PLT32",
            Self::GotPcRel => "R_X86_64_GOTPCREL",
            Self::GotPcRelX => "R_X86_64_GOTPCRELX",
            Self::RexGotPcRelX => "R_X86_64_REX_GOTPCRELX",
        }
    }

    pub(crate) fn width_bytes(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Abs64 | Self::Pc64 => 8,
            _ => 4,
        }
    }

    /// Tells whether the instruction reads the symbol's address from the GOT. The two X kinds say
    /// that the instruction could be rewritten to do without; the slot is always right.
    pub(crate) fn uses_got(self) -> bool {
        matches!(self, Self::GotPcRel | Self::GotPcRelX | Self::RexGotPcRelX)
    }

    /// Computes what to store, wrapping as addresses do.
    pub(crate) fn compute(self, operands: Operands) -> Stored {
        let Operands { symbol, call_target, got_slot, addend, place } = operands;
        let absolute = |target: u64| target.wrapping_add_signed(addend);
        let distance = |target: u64| absolute(target).wrapping_sub(place);
        match self {
            Self::None => Stored::Nothing,
            Self::Abs64 => Stored::Word(absolute(symbol)),
            Self::Pc64 => Stored::Word(distance(symbol)),
            Self::Pc32 => Stored::Distance(distance(symbol).cast_signed()),
            Self::Plt32 => Stored::Distance(distance(call_target).cast_signed()),
            Self::GotPcRel | Self::GotPcRelX | Self::RexGotPcRelX => {
                Stored::Distance(distance(got_slot).cast_signed())
            }
        }
    }
}

/// Names a relocation type for a message, known to the loader or not.
pub(crate) fn display_name(kind: elf::RelocationType) -> String {
    match elf::NAMES_R_X86_64.name(kind) {
        Some(name) => name.into(),
        None => format!("number {}", kind.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operands(symbol: u64, addend: i64, place: u64) -> Operands {
        Operands { symbol, call_target: symbol + 0x100, got_slot: symbol + 0x200, addend, place }
    }

    #[test]
    fn names_agree_with_the_format() {
        let mut known = 0;
        for number in 0..=60 {
            let elf_kind = elf::RelocationType(number);
            if let Some(kind) = RelocKind::from_elf(elf_kind) {
                assert_eq!(kind.name(), display_name(elf_kind));
                known += 1;
            }
        }
        assert_eq!(known, 8);
        assert_eq!(display_name(elf::RelocationType(9999)), "number 9999");
    }

    #[test]
    fn each_kind_has_its_own_target() {
        let o = operands(0x1000, -4, 0x3000);
        assert_eq!(RelocKind::Abs64.compute(o), Stored::Word(0xffc));
        assert_eq!(RelocKind::Pc32.compute(o), Stored::Distance(-0x2004));
        assert_eq!(RelocKind::Plt32.compute(o), Stored::Distance(-0x1f04));
        assert_eq!(RelocKind::GotPcRel.compute(o), Stored::Distance(-0x1e04));
        assert_eq!(RelocKind::None.compute(o), Stored::Nothing);
    }

    #[test]
    fn distances_wrap_around_the_address_space() {
        let o = operands(0x10, 0, 0xffff_ffff_ffff_fff0);
        assert_eq!(RelocKind::Pc32.compute(o), Stored::Distance(0x20));
        assert_eq!(RelocKind::Pc64.compute(o), Stored::Word(0x20));
    }
}
