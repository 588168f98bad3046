//! Network addresses: `%pM`, `%pI4`, `%pI6`.

use super::bytes::put_hex;
use super::pointer::{complaint, fetch};
use super::spec::Spec;
use super::writer::{Writer, print};
use super::{Env, Output};

/// Writes a hardware address: `%pM` with colons, `%pMF` with dashes, `%pm` without; `R` turns it round.
pub(super) fn mac(writer: &mut Writer<'_>, spec: &Spec, addr: u64, letters: &[u8], env: &dyn Env) {
    let Some(mut object) = fetch::<6>(writer, spec, addr, env) else { return };
    let kind = letters.get(1).copied().unwrap_or(0);
    let separator: &[u8] = match (letters[0], kind) {
        (b'm', _) => b"",
        (_, b'F') => b"-",
        _ => b":",
    };
    if kind == b'R' {
        object.reverse();
    }
    writer.text(spec, &|out| {
        for (index, &byte) in object.iter().enumerate() {
            if index > 0 {
                out.put(separator);
            }
            put_hex(out, byte);
        }
    });
}

/// Writes an address of IPv4 (`%pI4 %pi4`, then `h n b l` for the byte order) or IPv6 (`%pI6 %pI6c %pi6`).
pub(super) fn ip(writer: &mut Writer<'_>, spec: &Spec, addr: u64, letters: &[u8], env: &dyn Env) {
    let padded = letters[0] == b'i';
    let letter = |index: usize| letters.get(index).copied().unwrap_or(0);
    match (letter(1), letter(2)) {
        (b'4', order) => {
            let Some(mut object) = fetch::<4>(writer, spec, addr, env) else { return };
            if matches!(order, b'h' | b'l') {
                object.reverse();
            }
            writer.text(spec, &|out| {
                if padded { put_padded(out, object) } else { put_v4(out, object) }
            });
        }
        (b'6', kind) => {
            let Some(object) = fetch::<16>(writer, spec, addr, env) else { return };
            let groups = groups(object);
            writer.text(spec, &|out| match (padded, kind) {
                (true, _) => put_groups(out, &groups, b""),
                (false, b'c') => put_compressed(out, object),
                (false, _) => put_groups(out, &groups, b":"),
            });
        }
        _ if fetch::<1>(writer, spec, addr, env).is_none() => {}
        _ => complaint(writer, spec, if padded { "(%pi?)" } else { "(%pI?)" }),
    }
}

fn put_v4(out: &mut dyn Output, [a, b, c, d]: [u8; 4]) {
    print(out, format_args!("{a}.{b}.{c}.{d}"));
}

fn put_padded(out: &mut dyn Output, [a, b, c, d]: [u8; 4]) {
    print(out, format_args!("{a:03}.{b:03}.{c:03}.{d:03}"));
}

fn groups(object: [u8; 16]) -> [u16; 8] {
    core::array::from_fn(|index| u16::from_be_bytes([object[2 * index], object[2 * index + 1]]))
}

fn put_groups(out: &mut dyn Output, groups: &[u16; 8], separator: &[u8]) {
    for (index, group) in groups.iter().enumerate() {
        if index > 0 {
            out.put(separator);
        }
        print(out, format_args!("{group:04x}"));
    }
}

/// Writes the short form of RFC 5952, with the last four bytes as IPv4 where the address embeds one.
fn put_compressed(out: &mut dyn Output, object: [u8; 16]) {
    let groups = groups(object);
    let embedded = embeds_v4(&groups);
    let hex_groups = if embedded { &groups[..6] } else { &groups[..] };
    let gap = longest_zeros(hex_groups);
    let mut index = 0;
    while index < hex_groups.len() {
        if index == gap.start && !gap.is_empty() {
            out.put(b"::");
            index = gap.end;
            continue;
        }
        if index > 0 && index != gap.end {
            out.put(b":");
        }
        print(out, format_args!("{:x}", hex_groups[index]));
        index += 1;
    }
    if embedded {
        if gap.end != hex_groups.len() {
            out.put(b":");
        }
        put_v4(out, [object[12], object[13], object[14], object[15]]);
    }
}

/// Says whether an address is an IPv4-mapped one or an ISATAP one.
fn embeds_v4(groups: &[u16; 8]) -> bool {
    let mapped = groups[..5].iter().all(|&group| group == 0) && groups[5] == 0xffff;
    let isatap = groups[4] | 0x0200 == 0x0200 && groups[5] == 0x5efe;
    mapped || isatap
}

/// Returns the first of the longest runs of zeros; a single zero is not worth a gap.
fn longest_zeros(groups: &[u16]) -> core::ops::Range<usize> {
    let mut best = 0..0;
    for start in 0..groups.len() {
        let zeros = groups[start..].iter().take_while(|&&group| group == 0).count();
        if zeros > best.len().max(1) {
            best = start..start + zeros;
        }
    }
    best
}
