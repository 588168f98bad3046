//! What is not loaded, and what the messages say.

use crate::common::{self, MmapMemory, Scratch, compile, compile_plain, compilers, data, parse};
use kthreads_loader::{FileKind, LoadError, Object};

/// Parses what must not parse; the message has to hold all the words.
fn rejected(bytes: &[u8], words: &[&str]) -> LoadError {
    let error = Object::parse(bytes).expect_err("must be rejected");
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
    error
}

fn linked(flags: &str) -> Vec<u8> {
    let scratch = Scratch::new();
    let output = scratch.path("linked");
    let source = data("part_b.c");
    let mut arguments: Vec<&str> = flags.split_whitespace().collect();
    arguments.extend([source.to_str().unwrap(), "-o", output.to_str().unwrap()]);
    common::run("gcc", &arguments);
    std::fs::read(output).unwrap()
}

#[test]
fn files_of_other_kinds_are_named() {
    assert_eq!(rejected(b"", &["not an ELF"]), LoadError::NotElf);
    let source = b"#include <linux/module.h>\n";
    assert_eq!(rejected(source, &["kthreads build"]), LoadError::NotElf);
    rejected(b"\x7fELF", &["damaged"]);
    rejected(b"\x7fELF\x02\x01\x01", &["damaged"]);
    let error = rejected(&linked("-nostdlib -static -no-pie -Wl,-e,from_b"), &["an executable"]);
    assert_eq!(error, LoadError::NotRelocatable(FileKind::Executable));
    let error = rejected(&linked("-nostdlib -shared -fPIC"), &["shared library", ".c file"]);
    assert_eq!(error, LoadError::NotRelocatable(FileKind::SharedObject));
}

#[test]
fn other_processors_are_named() {
    let good = compile("gcc", "part_b.c", "-O2");
    let mut other = good.clone();
    other[18..20].copy_from_slice(&183u16.to_le_bytes());
    let error = rejected(&other, &["AARCH64", "183", "x86-64"]);
    assert_eq!(error, LoadError::WrongMachine { machine: 183, name: Some("AARCH64") });

    // A big-endian machine number is read as one.
    other[5] = 2;
    other[18..20].copy_from_slice(&22u16.to_be_bytes());
    rejected(&other, &["S390", "22"]);

    let mut narrow = good;
    narrow[4] = 1;
    assert_eq!(rejected(&narrow, &["32-bit"]), LoadError::Not64Bit);
}

#[test]
fn modules_of_the_linux_build_are_sent_back_for_their_source() {
    let bytes = compile("gcc", "kbuild.c", "-O2 -DWITH_VERMAGIC");
    let error = rejected(&bytes, &["Linux's own", "\"6.1.0-49-amd64 SMP", "give the .c file"]);
    assert!(matches!(error, LoadError::BuiltForLinux { vermagic: Some(_) }));

    let bare = compile("gcc", "kbuild.c", "-O2");
    let error = rejected(&bare, &["Linux's own"]);
    assert_eq!(error, LoadError::BuiltForLinux { vermagic: None });
}

#[test]
fn code_for_other_memory_models_is_rejected_by_relocation() {
    for (flags, kinds) in [
        ("-fno-pic -mcmodel=kernel", &["R_X86_64_32S"][..]),
        ("-fno-pic", &["R_X86_64_32", "R_X86_64_32S"]),
        ("-fPIC -mcmodel=large", &["R_X86_64_GOTPC64", "R_X86_64_GOTOFF64", "R_X86_64_GOT64"]),
    ] {
        let flags = format!("-O0 -ffreestanding -fno-asynchronous-unwind-tables {flags}");
        let bytes = compile_plain("gcc", "module.c", &flags);
        let error = rejected(&bytes, &["unsupported relocation", "-fPIC"]);
        let LoadError::UnsupportedRelocation { kind, site } = error else { panic!("{error}") };
        assert!(kinds.contains(&kind.as_str()), "{kind}");
        assert!(!site.section.is_empty() && !site.symbol.is_empty(), "{site}");
    }
}

#[test]
fn thread_local_storage_is_rejected() {
    for compiler in compilers() {
        let bytes = compile(compiler, "tls.c", "-O2");
        let error = rejected(&bytes, &["thread-local", ".tdata", "__thread"]);
        assert!(matches!(error, LoadError::Unsupported { .. }));
    }
}

#[test]
fn writable_code_is_rejected() {
    let scratch = Scratch::new();
    let (source, output) = (scratch.path("wx.S"), scratch.path("wx.o"));
    std::fs::write(&source, ".section .both,\"awx\"\nret\n").unwrap();
    common::run("gcc", &["-c", source.to_str().unwrap(), "-o", output.to_str().unwrap()]);
    rejected(&std::fs::read(output).unwrap(), &[".both", "writable and executable"]);
}

#[test]
fn a_direct_reference_to_something_far_away_overflows() {
    let bytes = compile_plain("gcc", "module.c", "-O2 -ffreestanding -fPIE");
    let memory = MmapMemory::default();
    // The mapping is in the middle of the lower half, so both ends of it are too far.
    let error = parse(&bytes).load(&memory, &mut |_| Some(0x1000)).unwrap_err();
    let LoadError::Overflow { kind, site, .. } = &error else { panic!("{error}") };
    assert_eq!(*kind, "R_X86_64_PC32");
    assert!(["jiffies", "__this_module", "outside_pointer"].contains(&site.symbol.as_str()));
    let text = error.to_string();
    assert!(text.contains(".text+0x") && text.contains("too far"), "{text}");
    assert_eq!(memory.live_blocks.get(), 0, "a failed load gives its memory back");
}

#[test]
fn want_of_memory_is_an_error() {
    struct Full;
    // SAFETY: it never gives memory.
    unsafe impl kthreads_loader::ImageMemory for Full {
        fn allocate(&self, _: usize) -> Option<std::ptr::NonNull<u8>> {
            None
        }
        unsafe fn protect(&self, _: std::ptr::NonNull<u8>, _: usize, _: kthreads_loader::Access) {}
        unsafe fn free(&self, _: std::ptr::NonNull<u8>, _: usize) {}
    }
    let bytes = compile("gcc", "part_b.c", "-O2 -fcommon");
    let object = parse(&bytes);
    let error = object.load(&Full, &mut |_| None).unwrap_err();
    assert_eq!(error, LoadError::OutOfMemory { bytes: object.image_bytes() });
}

#[test]
fn every_shorter_file_is_rejected() {
    let bytes = compile("gcc", "module.c", "-O2");
    for len in 0..bytes.len() {
        assert!(Object::parse(&bytes[..len]).is_err(), "cut to {len}");
    }
}

#[test]
fn a_file_may_lie_at_any_address() {
    let bytes = compile("gcc", "part_b.c", "-O2 -fcommon");
    for shift in 0..8 {
        let mut shifted = vec![0; shift];
        shifted.extend(&bytes);
        assert!(parse(&shifted[shift..]).defines("from_b"));
    }
}
