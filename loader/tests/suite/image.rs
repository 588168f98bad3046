//! What an image tells about itself, and its life after loading.

use crate::common::{MmapMemory, access_of, compile, compilers, parse};
use kthreads_loader::{Access, Binding, Class, Image, Object, PerCpu, SymbolKind};
use std::mem::transmute;

extern "C" fn outside(a: i32, b: i32) -> i32 {
    a * 10 + b
}

fn load(object: &Object<'_>, memory: &MmapMemory) -> Image {
    let address = outside as *const () as usize;
    let weak = ["maybe_missing", "maybe_data", "nobody"];
    let mut resolve = |name: &str| (!weak.contains(&name)).then_some(address);
    object.load(memory, &mut resolve).unwrap_or_else(|error| panic!("{error}"))
}

fn call(image: &Image, name: &str) -> i64 {
    let address = image.symbol(name).expect(name);
    // SAFETY: the tests name functions without parameters that return a number.
    unsafe { transmute::<usize, extern "C" fn() -> i64>(address)() }
}

fn call_int(image: &Image, name: &str) -> i32 {
    call(image, name) as i32
}

fn module_builds() -> Vec<Vec<u8>> {
    let of = |cc: &'static str| ["-O0", "-O2"].map(|level| compile(cc, "module.c", level));
    compilers().into_iter().flat_map(of).collect()
}

#[test]
fn init_code_and_data_go_away_after_init() {
    for bytes in module_builds() {
        let memory = MmapMemory::default();
        let image = load(&parse(&bytes), &memory);
        let init = image.symbol("init_module").unwrap();
        let (data, sealed) = (image.symbol("init_only").unwrap(), image.symbol("sealed").unwrap());
        assert!(image.init_text().contains(&init) && !image.text().contains(&init));
        assert!(image.contains_text(init));
        assert_eq!([init, data, sealed].map(access_of), ["r-xp", "rw-p", "rw-p"]);
        assert_eq!(call_int(&image, "init_module"), 7 + 7 + 11);

        // SAFETY: init has returned, and the test keeps no pointer to its data.
        unsafe { image.drop_init(&memory) };
        assert_eq!([init, data, sealed].map(access_of), ["---p", "---p", "r--p"]);
        assert!(!image.contains_text(init) && image.contains_text(image.text().start));
        assert_eq!((image.symbol("init_module"), image.symbol("init_only")), (None, None));
        assert_eq!((image.section(".init.text"), image.symbolize(init)), (None, None));
        assert!(image.symbols().all(|symbol| symbol.name() != "init_module"));
        // SAFETY: an int of the image.
        assert_eq!(unsafe { (sealed as *const i32).read() }, 50);
        let filled = image.symbol("filled").unwrap() as *const i32;
        call(&image, "cleanup_module");
        // SAFETY: an int of the image.
        assert_eq!(unsafe { filled.read() }, 0, "exit code stays");
        // SAFETY: nothing of the module is used after this.
        unsafe { image.unload(&memory) };
        assert_eq!(access_of(init), "unmapped");
    }
}

#[test]
fn no_page_was_ever_writable_and_executable() {
    for bytes in module_builds() {
        let memory = MmapMemory::default();
        let image = load(&parse(&bytes), &memory);
        for class in Class::ALL.into_iter().filter(|class| !image.range(*class).is_empty()) {
            let range = image.range(class);
            for address in [range.start, range.end - 1] {
                let access = access_of(address);
                assert!(!(access.contains('w') && access.contains('x')), "{class:?} {access}");
                assert_eq!(access.contains('x'), class.access() == Access::ReadExecute);
                assert_eq!(access.contains('w'), class.access() == Access::ReadWrite);
            }
        }
        let opened = |access: Access| access == Access::ReadExecute;
        let executable = memory.protected.borrow().iter().filter(|p| opened(p.2)).count();
        assert_eq!(executable, 2, "text and init text, once each");
    }
}

#[test]
fn addresses_have_names() {
    for bytes in module_builds() {
        let memory = MmapMemory::default();
        let image = load(&parse(&bytes), &memory);
        let jump = image.symbols().find(|symbol| symbol.name() == "jump").unwrap();
        assert_eq!((jump.kind(), jump.binding()), (SymbolKind::Function, Binding::Global));
        let found = image.symbolize(jump.address() + 5).unwrap();
        assert_eq!((found.name, found.offset), ("jump", 5));
        assert!(found.size >= jump.size() && found.size < jump.size() + 64);
        let counter = image.symbol("filled").unwrap();
        assert_eq!(image.symbolize(counter + 3).map(|s| (s.name, s.offset)), Some(("filled", 3)));
        assert_eq!(image.symbolize(image.base() - 1), None);
        assert_eq!(image.symbolize(image.base() + image.len()), None);
        assert_eq!(image.symbolize(0), None);
    }
}

#[test]
fn letters_follow_sections_and_exports() {
    for bytes in module_builds() {
        let memory = MmapMemory::default();
        let image = load(&parse(&bytes), &memory);
        let letter = |name: &str| {
            image
                .symbols()
                .find(|symbol| symbol.name() == name)
                .map(kthreads_loader::Symbol::letter)
        };
        assert_eq!(letter("jump"), Some('t'));
        assert_eq!(letter("init_module"), Some('t'));
        assert_eq!(letter("counter"), Some('T'));
        assert_eq!(letter("filled"), Some('D'));
        assert_eq!(letter("zeroed"), Some('b'));
        assert_eq!(letter("constant"), Some('r'));
        assert_eq!(letter("count"), Some('d'));
        assert_eq!(letter("overridable"), Some('w'));
        assert_eq!(letter("outside_add"), None);
        assert_eq!(letter("module.c"), None);
        let addresses: Vec<usize> = image.symbols().map(|symbol| symbol.address()).collect();
        assert!(addresses.is_sorted());
    }
}

#[test]
fn snapshots_bring_data_back() {
    for bytes in module_builds() {
        let memory = MmapMemory::default();
        let image = load(&parse(&bytes), &memory);
        // SAFETY: only this thread runs the module, here and below.
        let before_init = unsafe { image.snapshot() };
        assert_eq!(call_int(&image, "init_module"), 25);
        assert_eq!(call_int(&image, "init_module"), 26);
        // SAFETY: as above.
        unsafe { image.restore(&before_init) }.unwrap();
        assert_eq!(call_int(&image, "init_module"), 25);
        // SAFETY: as above; nothing points to init data.
        unsafe { image.drop_init(&memory) };
        // SAFETY: as above.
        let start = unsafe { image.snapshot() };
        let run = || [(); 3].map(|()| call_int(&image, "counter"));
        assert_eq!(run(), [101, 103, 106]);
        assert_eq!(run(), [110, 115, 121]);
        // SAFETY: as above.
        unsafe { image.restore(&start) }.unwrap();
        assert_eq!(run(), [101, 103, 106]);
        // SAFETY: as above.
        let error = unsafe { image.restore(&before_init) }.unwrap_err();
        assert_eq!((error.expected, error.found), (start.len(), before_init.len()));
    }
}

#[test]
fn debug_sections_give_file_and_line_of_run_time_addresses() {
    for bytes in module_builds() {
        let memory = MmapMemory::default();
        let image = load(&parse(&bytes), &memory);
        let sections = image.debug_sections();
        assert_eq!(sections, image.debug_sections(), "asking does not change them");
        let bytes_of = |name: &str| sections.iter().find(|s| s.name == name);
        let dwarf = gimli::Dwarf::load(|id| -> Result<_, gimli::Error> {
            let bytes = bytes_of(id.name()).map_or(&[][..], |section| &section.bytes);
            Ok(gimli::EndianSlice::new(bytes, gimli::LittleEndian))
        });
        let context = addr2line::Context::from_dwarf(dwarf.unwrap()).unwrap();
        for (name, text) in [("jump", "long jump("), ("init_module", "int __init init_module(")] {
            let address = image.symbol(name).unwrap();
            let location = context.find_location(address as u64).unwrap().expect(name);
            assert!(location.file.unwrap().ends_with("module.c"));
            // Optimised code may begin with an instruction of the first statement.
            let lines = line_of(text)..=line_of(text) + 1;
            assert!(lines.contains(&location.line.unwrap()), "{name} {:?}", location.line);
        }
        let without = load(&parse(&bytes).without_debug(), &memory);
        assert!(without.debug_sections().is_empty());
    }
}

fn line_of(text: &str) -> u32 {
    let source = std::fs::read_to_string(crate::common::data("module.c")).unwrap();
    let index = source.lines().position(|line| line.starts_with(text)).unwrap();
    index as u32 + 1
}

#[test]
fn hand_written_corners_work() {
    let bytes = crate::common::compile_plain("gcc", "corners.S", "");
    let object = parse(&bytes);
    assert!(object.defines("target") && !object.defines("outside_add"));
    let memory = MmapMemory::default();
    let image = load(&object, &memory);
    let target = image.symbol("target").unwrap();
    assert_eq!(target % 16384, 0, "an alignment larger than a page");
    assert_eq!(call(&image, "distance64") as usize, target, "R_X86_64_PC64");
    assert_eq!(call(&image, "number"), 0x1235, "an absolute symbol");
    assert_eq!(call(&image, "got_immediate"), 1, "an addend of -5");
    assert_eq!(image.symbol("absolute_number"), Some(0x1234));
    let letter = image.symbols().find(|s| s.name() == "absolute_number").unwrap().letter();
    assert_eq!(letter, 'a');
    let plain = image.symbol("plain_call").unwrap();
    // SAFETY: the function passes its two arguments on.
    let add = unsafe { transmute::<usize, extern "C" fn(i32, i32) -> i32>(plain) };
    assert_eq!(add(4, 2), 42);
    let constructors = ["number", "plain_call", "distance64"].map(|n| image.symbol(n).unwrap());
    assert_eq!(image.init_array(), constructors);
    // SAFETY: nothing of the module is used after this.
    unsafe { image.unload(&memory) };
    assert_eq!(memory.live_blocks.get(), 0);
}

#[test]
fn each_cpu_has_a_copy_of_per_cpu_data() {
    let per_cpu = PerCpu { copies: 3, stride_bytes: 0x4000 };
    for compiler in compilers() {
        let memory = MmapMemory::default();
        let bytes = compile(compiler, "per_cpu.c", "-O2");
        let object = parse(&bytes).with_per_cpu(per_cpu).unwrap();
        let image = load(&object, &memory);
        let [number, pointer, target] =
            ["number", "pointer", "target"].map(|name| image.symbol(name).unwrap());
        for copy in 0..3 {
            let (number, pointer) = (number + copy * 0x4000, pointer + copy * 0x4000);
            assert!(image.range(Class::PerCpu).contains(&number));
            // SAFETY: a copy of an int, and one of a pointer, in the image.
            unsafe {
                assert_eq!((number as *const i32).read(), 42);
                assert_eq!((pointer as *const usize).read(), target);
            }
            assert_eq!(image.symbolize(number).map(|found| found.name), Some("number"));
        }
        // SAFETY: nothing runs in the module.
        let before = unsafe { image.snapshot() };
        // SAFETY: the third copy of the int.
        unsafe { ((number + 0x8000) as *mut i32).write(1) };
        call(&image, "set_number");
        // SAFETY: the snapshot is of this image, and nothing runs in it.
        unsafe { image.restore(&before) }.unwrap();
        for copy in 0..3 {
            // SAFETY: a copy of an int in the image.
            assert_eq!(unsafe { ((number + copy * 0x4000) as *const i32).read() }, 42);
        }
        let narrow = PerCpu { copies: 2, stride_bytes: 64 };
        assert!(parse(&bytes).with_per_cpu(narrow).is_err());
        // SAFETY: nothing of the module is used after this; twice is once.
        unsafe {
            image.unload(&memory);
            image.unload(&memory);
        }
        assert!(!image.contains_text(image.text().start));
        assert_eq!(memory.live_blocks.get(), 0);
    }
}

#[test]
fn the_debug_file_has_the_addresses_of_the_image() {
    use object::read::elf::ElfFile64;
    use object::{LittleEndian, Object as _, ObjectSection as _, ObjectSymbol as _};
    for bytes in module_builds() {
        let memory = MmapMemory::default();
        let object = parse(&bytes);
        let image = load(&object, &memory);
        let file = object.debug_file(&bytes, &image).expect("it was loaded with debug sections");
        let elf = ElfFile64::<LittleEndian>::parse(file.as_slice()).unwrap();
        for section in image.sections().filter(|s| !["COMMON", ".got", ".plt"].contains(&&*s.name))
        {
            let mut named = elf.sections().filter(|s| s.name().unwrap() == &*section.name);
            let start = section.range.start as u64;
            assert!(named.any(|s| s.address() == start), "{}", section.name);
        }
        for name in ["init_module", "jump"] {
            let mut symbols = elf.symbols();
            let symbol = symbols.find(|symbol| symbol.name() == Ok(name)).expect(name);
            assert_eq!(Some(symbol.address() as usize), image.symbol(name));
        }
        for section in image.debug_sections() {
            let found = elf.section_by_name(section.name).unwrap();
            assert_eq!(found.data().unwrap(), section.bytes, "{}", section.name);
        }
        assert!(elf.sections().all(|section| section.relocations().next().is_none()));
        let plain = parse(&bytes).without_debug();
        assert_eq!(plain.debug_file(&bytes, &load(&plain, &memory)), None);
        assert_eq!(object.debug_file(&bytes[..bytes.len() / 2], &image), None, "another file");
    }
}
