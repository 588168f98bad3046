//! The address that an instruction uses, read off the instruction and the registers: for general
//! protection faults, where the processor does not tell.
//!
//! What compilers make of C for the kernel is known here: instructions with a ModRM byte, and
//! string instructions. Of anything else nothing is said.

use kthreads_base::Fault;

/// The longest instruction.
const LENGTH_MAX: usize = 15;
/// The numbers of the registers in an instruction, as indices of `Fault::registers`
/// (rax rbx rcx rdx rsi rdi r8..r15); None for rsp and rbp.
const ORDER: [Option<usize>; 8] =
    [Some(0), Some(2), Some(3), Some(1), None, None, Some(4), Some(5)];
const RSP: u8 = 4;

struct Decoder<'a> {
    code: &'a [u8],
    at: usize,
    fault: &'a Fault,
    /// The REX prefix, 0 for none.
    rex: u8,
    /// The pointer that the address is made from, once that was read.
    base: Option<u64>,
}

/// What an instruction uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Used {
    /// This address: it reads it, writes it or goes there.
    Address(usize),
    /// What stands at this address: it goes there.
    TargetAt(usize),
}

/// Finds the address that `code`, the instruction of a fault, was about to use.
pub(super) fn used_address(code: &[u8; LENGTH_MAX], fault: &Fault) -> Option<Used> {
    Decoder::new(code, fault).used()
}

/// Finds the pointer in a register that the address is made from, by a member's distance or an
/// index.
pub(super) fn base_pointer(code: &[u8; LENGTH_MAX], fault: &Fault) -> Option<u64> {
    let mut decoder = Decoder::new(code, fault);
    decoder.used()?;
    decoder.base
}

enum Opcode {
    /// movs, lods, cmps read by rsi; stos and scas use rdi.
    String { source: bool },
    /// A ModRM byte follows.
    Memory,
    /// A call or jump whose target a ModRM byte tells.
    Call,
}

impl<'a> Decoder<'a> {
    fn new(code: &'a [u8], fault: &'a Fault) -> Decoder<'a> {
        Decoder { code, at: 0, fault, rex: 0, base: None }
    }

    fn used(&mut self) -> Option<Used> {
        match self.opcode()? {
            Opcode::String { source: true } => Some(Used::Address(self.pointer(6, 0) as usize)),
            Opcode::String { source: false } => Some(Used::Address(self.pointer(7, 0) as usize)),
            Opcode::Memory => Some(Used::Address(self.memory()? as usize)),
            Opcode::Call => self.target(),
        }
    }

    /// As `register`, for the one that holds the pointer.
    fn pointer(&mut self, number: u8, extra: u8) -> u64 {
        let value = self.register(number, extra);
        self.base = Some(value);
        value
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.code.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn signed(&mut self, bytes: usize) -> Option<i64> {
        let mut value = 0;
        for index in 0..bytes {
            value |= u64::from(self.byte()?) << (8 * index);
        }
        let unused = 64 - 8 * bytes as u32;
        Some((value << unused) as i64 >> unused)
    }

    /// Reads the prefixes and the opcode.
    fn opcode(&mut self) -> Option<Opcode> {
        let mut byte = self.byte()?;
        while matches!(byte, 0x26 | 0x2e | 0x36 | 0x3e | 0x66 | 0xf0 | 0xf2 | 0xf3) {
            byte = self.byte()?;
        }
        if byte & 0xf0 == 0x40 {
            self.rex = byte;
            byte = self.byte()?;
        }
        match byte {
            0x0f => self.long_opcode(),
            0xa4..=0xa7 | 0xac | 0xad => Some(Opcode::String { source: true }),
            0xaa | 0xab | 0xae | 0xaf => Some(Opcode::String { source: false }),
            0xff if matches!(self.code.get(self.at)? >> 3 & 7, 2 | 4) => Some(Opcode::Call),
            0x00..=0x3f if byte & 7 < 4 => Some(Opcode::Memory),
            0x63
            | 0x69
            | 0x6b
            | 0x80..=0x8b
            | 0x8f
            | 0xc0
            | 0xc1
            | 0xc6
            | 0xc7
            | 0xd0..=0xd3
            | 0xf6
            | 0xf7
            | 0xfe
            | 0xff => Some(Opcode::Memory),
            _ => None,
        }
    }

    /// The opcodes behind 0f that use memory in the kernel's C.
    fn long_opcode(&mut self) -> Option<Opcode> {
        match self.byte()? {
            0x10
            | 0x11
            | 0x28
            | 0x29
            | 0x6f
            | 0x7f
            | 0xd6
            | 0xe7
            | 0x18
            | 0x40..=0x4f
            | 0x90..=0x9f
            | 0xa3
            | 0xab
            | 0xaf
            | 0xb0..=0xbf
            | 0xc0..=0xc3
            | 0xc7 => Some(Opcode::Memory),
            0xa4 | 0xac => Some(Opcode::Memory),
            _ => None,
        }
    }

    /// The value of a register whose number ends with these three bits; `extra` is the bit of the
    /// REX prefix that continues it.
    fn register(&self, number: u8, extra: u8) -> u64 {
        if extra != 0 {
            return self.fault.registers[6 + usize::from(number)];
        }
        match ORDER[usize::from(number)] {
            Some(index) => self.fault.registers[index],
            None if number == RSP => self.fault.sp as u64,
            None => self.fault.bp as u64,
        }
    }

    /// The address of the operand that a ModRM byte tells; None if that is a register.
    fn memory(&mut self) -> Option<u64> {
        let modrm = self.byte()?;
        let (mode, base) = (modrm >> 6, modrm & 7);
        if mode == 3 {
            return None;
        }
        let address = match base {
            4 => self.scaled(mode)?,
            // Relative to the next instruction: never a bad address by itself.
            5 if mode == 0 => return None,
            base => self.pointer(base, self.rex & 1),
        };
        let displacement = match mode {
            1 => self.signed(1)?,
            2 => self.signed(4)?,
            _ => 0,
        };
        Some(address.wrapping_add_signed(displacement))
    }

    /// Base and scaled index, from a SIB byte.
    fn scaled(&mut self, mode: u8) -> Option<u64> {
        let sib = self.byte()?;
        let (scale, index, base) = (sib >> 6, sib >> 3 & 7, sib & 7);
        let index_extra = self.rex & 2;
        let index = match index {
            4 if index_extra == 0 => 0,
            index => self.register(index, index_extra) << scale,
        };
        let base = match base {
            5 if mode == 0 => self.signed(4)? as u64,
            base => self.pointer(base, self.rex & 1),
        };
        Some(base.wrapping_add(index))
    }

    /// Where a call or jump goes.
    fn target(&mut self) -> Option<Used> {
        let modrm = *self.code.get(self.at)?;
        if modrm >> 6 == 3 {
            return Some(Used::Address(self.pointer(modrm & 7, self.rex & 1) as usize));
        }
        Some(Used::TargetAt(self.memory()? as usize))
    }
}

#[cfg(test)]
mod tests {
    use kthreads_base::FaultCause;

    use super::*;

    fn used(code: &[u8]) -> Option<usize> {
        match used_in(code)? {
            Used::Address(address) | Used::TargetAt(address) => Some(address),
        }
    }

    fn used_in(code: &[u8]) -> Option<Used> {
        let mut whole = [0x90; LENGTH_MAX];
        whole[..code.len()].copy_from_slice(code);
        let registers =
            [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0]
                .map(|number: u64| number << 8);
        let (address, ip) = (None, 0);
        let cause = FaultCause::NonCanonical;
        let fault = Fault { cause, address, ip, sp: 0x70_0000, bp: 0x71_0000, registers };
        used_address(&whole, &fault)
    }

    #[test]
    fn operands_of_all_forms_are_read() {
        assert_eq!(used(&[0x8b, 0x00]), Some(0x1000), "mov eax, [rax]");
        assert_eq!(used(&[0x48, 0x8b, 0x43, 0x08]), Some(0x2008), "mov rax, [rbx+8]");
        assert_eq!(used(&[0x48, 0x8b, 0x43, 0xf8]), Some(0x1ff8), "mov rax, [rbx-8]");
        assert_eq!(used(&[0x49, 0x8b, 0x04, 0x24]), Some(0xc000), "mov rax, [r12]");
        assert_eq!(used(&[0x8b, 0x04, 0x8a]), Some(0x4000 + 4 * 0x3000), "mov eax, [rdx+rcx*4]");
        assert_eq!(used(&[0x8b, 0x45, 0xfc]), Some(0x70_fffc), "mov eax, [rbp-4]");
        assert_eq!(used(&[0xc7, 0x80, 0, 1, 0, 0, 5, 0, 0, 0]), Some(0x1100), "mov [rax+256], 5");
        assert_eq!(used(&[0xf0, 0xff, 0x07]), Some(0x6000), "lock inc [rdi]");
        assert_eq!(used(&[0x0f, 0xb6, 0x06]), Some(0x5000), "movzx eax, [rsi]");
        assert_eq!(used(&[0xf3, 0x48, 0xab]), Some(0x6000), "rep stosq");
        assert_eq!(used(&[0xf3, 0xa4]), Some(0x5000), "rep movsb");
        assert_eq!(used(&[0xff, 0xd0]), Some(0x1000), "call rax");
        assert_eq!(used(&[0x41, 0xff, 0xe3]), Some(0xb000), "jmp r11");
        assert_eq!(used_in(&[0xff, 0x50, 8]), Some(Used::TargetAt(0x1008)), "call [rax+8]");
    }

    #[test]
    fn what_uses_no_memory_is_left() {
        assert_eq!(used(&[0x48, 0x89, 0xc3]), None, "mov rbx, rax");
        assert_eq!(used(&[0x8b, 0x05, 1, 0, 0, 0]), None, "mov eax, [rip+1]");
        assert_eq!(used(&[0xc3]), None, "ret");
    }
}
