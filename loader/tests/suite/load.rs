//! Compiles C, loads it, runs it.

use crate::common::{MmapMemory, access_of, compile, compilers, parse};
use kthreads_loader::{Binding, Class, ExportLicense, Image, LoadError, Object};
use std::mem::transmute;

static JIFFIES: u64 = 4_294_892_296;
static THIS_MODULE: u64 = 1;

extern "C" fn outside_add(a: i32, b: i32) -> i32 {
    a * 10 + b
}

static OUTSIDE_POINTER: extern "C" fn(i32, i32) -> i32 = outside_add;

unsafe extern "C" {
    fn __divti3();
    fn memcpy();
    fn memset();
}

fn kernel(name: &str) -> Option<usize> {
    Some(match name {
        "jiffies" => (&raw const JIFFIES).addr(),
        "__this_module" => (&raw const THIS_MODULE).addr(),
        "outside_add" => outside_add as *const () as usize,
        "outside_pointer" => (&raw const OUTSIDE_POINTER).addr(),
        "__divti3" => __divti3 as *const () as usize,
        "memcpy" => memcpy as *const () as usize,
        "memset" => memset as *const () as usize,
        _ => return None,
    })
}

fn load(object: &Object<'_>, memory: &MmapMemory) -> Image {
    object.load(memory, &mut kernel).unwrap_or_else(|error| panic!("{error}"))
}

/// Calls a function of an image by name, with the signature that it has in the C source.
macro_rules! call {
    ($image:expr, $name:literal, fn($($type:ty),*) -> $result:ty, $($value:expr),*) => {{
        let address = $image.symbol($name).expect($name);
        // SAFETY: the signature is the one in the C source.
        unsafe { transmute::<usize, extern "C" fn($($type),*) -> $result>(address)($($value),*) }
    }};
}

/// Runs a check on the same source from every compiler at both ends of optimisation.
fn for_each_build(source: &str, more: &str, check: impl Fn(&[u8], &str)) {
    for compiler in compilers() {
        for level in ["-O0", "-O2"] {
            let flags = format!("{level} {more}");
            let bytes = compile(compiler, source, &flags);
            check(&bytes, &format!("{compiler} {flags}"));
        }
    }
}

#[test]
fn functions_of_a_loaded_module_compute() {
    for_each_build("module.c", "", |bytes, build| {
        let memory = MmapMemory::default();
        let image = load(&parse(bytes), &memory);
        assert_eq!(call!(image, "get_count", fn() -> i32,), 3, "{build}");
        assert_eq!(call!(image, "call_table", fn(i32, i32) -> i32, 0, 5), 10 + 15);
        assert_eq!(call!(image, "call_table", fn(i32, i32) -> i32, 1, 5), 15 + 15);
        assert_eq!(call!(image, "computed_goto", fn(i32) -> i32, 2), 32);
        let quotient = call!(image, "divide", fn(i64, i64, i64) -> i64, 1, 0, 16);
        assert_eq!(quotient, 1 << 60);
        let text = call!(image, "text", fn(i32) -> *const std::ffi::c_char, 2);
        // SAFETY: the function returns a string literal of the image.
        assert_eq!(unsafe { std::ffi::CStr::from_ptr(text) }, c"two");
        assert_eq!(call!(image, "call_overridable", fn() -> i32,), 77);
        // SAFETY: no thread is in the module, no pointer to it is used again.
        unsafe { image.unload(&memory) };
        assert_eq!(memory.live_blocks.get(), 0);
    });
}

#[test]
fn switches_take_every_branch_and_statics_live() {
    for_each_build("module.c", "", |bytes, build| {
        let memory = MmapMemory::default();
        let image = load(&parse(bytes), &memory);
        let jump = |i, x| call!(image, "jump", fn(i32, i64) -> i64, i, x);
        let results: Vec<i64> = (0..10).map(|i| jump(i, 100)).collect();
        let expected = [117, 300, 100 - 25, 100 ^ 0x55, 101, 800, 14, 9, -101, -1];
        assert_eq!(results, expected, "{build}");
        assert_eq!(call!(image, "counter", fn() -> i32,), 103);
        let zeroed = image.symbol("zeroed").unwrap() as *const i32;
        // SAFETY: an array of 100 ints in the image, which no thread writes to.
        assert_eq!(unsafe { (zeroed.read(), zeroed.add(99).read()) }, (0, 2));
    });
}

#[test]
fn the_outside_is_reached_through_the_got() {
    for_each_build("module.c", "", |bytes, build| {
        let memory = MmapMemory::default();
        let image = load(&parse(bytes), &memory);
        assert_eq!(call!(image, "read_jiffies", fn() -> u64,), JIFFIES, "{build}");
        assert_eq!(call!(image, "add_outside", fn(i32, i32) -> i32, 1, 2), 12 + 21);
        assert_eq!(call!(image, "via_pointer", fn(i32, i32) -> i32, 4, 2), 42);
        let module = (&raw const THIS_MODULE).addr();
        assert_eq!(call!(image, "module_pointer", fn() -> usize,), module);
        assert_eq!(call!(image, "take_outside", fn() -> usize,), kernel("outside_add").unwrap());
        let got = image.section(".got").unwrap();
        assert!(got.start >= image.read_only().start && got.end <= image.read_only().end);
        assert_eq!(access_of(got.start), "r--p");
    });
}

#[test]
fn calls_of_code_built_with_a_plt_go_through_stubs() {
    for_each_build("module.c", "-fplt", |bytes, build| {
        let memory = MmapMemory::default();
        let image = load(&parse(bytes), &memory);
        assert_eq!(call!(image, "add_outside", fn(i32, i32) -> i32, 1, 2), 33, "{build}");
        let stubs = image.section(".plt").expect("stubs");
        assert!(image.contains_text(stubs.start));
        assert_eq!(image.symbolize(stubs.start), None);
    });
}

#[test]
fn missing_weak_symbols_are_zero_and_present_ones_are_used() {
    extern "C" fn here(x: i32) -> i32 {
        x + 1
    }
    for_each_build("module.c", "", |bytes, build| {
        let object = parse(bytes);
        let memory = MmapMemory::default();
        let without = load(&object, &memory);
        assert_eq!(call!(without, "call_missing", fn(i32) -> i32, 5), -1, "{build}");
        assert_eq!(call!(without, "missing_data", fn() -> usize,), 0);
        let mut resolve = |name: &str| match name {
            "maybe_missing" => Some(here as *const () as usize),
            _ => kernel(name),
        };
        let with = object.load(&memory, &mut resolve).unwrap();
        assert_eq!(call!(with, "call_missing", fn(i32) -> i32, 5), 6);
    });
}

#[test]
fn undefined_symbols_are_listed_once_each_and_reported_all() {
    for_each_build("module.c", "", |bytes, build| {
        let object = parse(bytes);
        let mut undefined: Vec<_> = object.undefined().map(|s| (s.name, s.binding)).collect();
        undefined.sort_unstable();
        let strong = ["__divti3", "__this_module", "jiffies", "outside_add", "outside_pointer"];
        let mut expected = strong.map(|name| (name, Binding::Global)).to_vec();
        expected.extend([("maybe_data", Binding::Weak), ("maybe_missing", Binding::Weak)]);
        expected.sort_unstable();
        assert_eq!(undefined, expected, "{build}");

        let memory = MmapMemory::default();
        let error = object.load(&memory, &mut |_| None).unwrap_err();
        let LoadError::UndefinedSymbols(mut names) = error.clone() else { panic!("{error}") };
        names.sort_unstable();
        assert_eq!(names, strong);
        let text = error.to_string();
        assert!(text.contains("outside_add") && text.contains("load the module"), "{text}");
        assert_eq!(memory.live_blocks.get(), 0);
    });
}

#[test]
fn a_module_of_two_files_shares_its_common_symbols() {
    for compiler in compilers() {
        let scratch = crate::common::Scratch::new();
        let objects = ["part_a", "part_b"].map(|part| {
            let bytes = compile(compiler, &format!("{part}.c"), "-O2 -fcommon");
            let path = scratch.path(&format!("{part}.o"));
            std::fs::write(&path, bytes).unwrap();
            path.to_str().unwrap().to_owned()
        });
        let output = scratch.path("both.ko");
        crate::common::run("ld", &["-r", "-o", output.to_str().unwrap(), &objects[0], &objects[1]]);
        let bytes = std::fs::read(output).unwrap();
        let memory = MmapMemory::default();
        let image = load(&parse(&bytes), &memory);
        assert_eq!(call!(image, "init_module", fn() -> i32,), 1000 + 8 + 4 + 1);
        assert_eq!(call!(image, "from_a", fn(i32) -> i32, 1), 1000 + 10 + 1 + 1);
        let common = image.symbol("shared_common").unwrap();
        assert!(image.section("COMMON").unwrap().contains(&common));
        assert!(image.bss().contains(&common));
        let info = image.symbols().find(|s| s.name() == "big_common").unwrap();
        assert_eq!((info.size(), info.letter(), info.address() % 8), (512, 'b', 0));
        assert_eq!(image.symbols().filter(|s| s.name() == "local").count(), 2);
    }
}

#[test]
fn exports_params_and_modinfo_are_read() {
    for_each_build("module.c", "", |bytes, build| {
        let object = parse(bytes);
        let params = object.params();
        assert_eq!(params.len(), 1, "{build}");
        assert_eq!((params[0].name, params[0].type_name), ("count", Some("int")));
        assert_eq!(params[0].description, Some("how many"));
        let memory = MmapMemory::default();
        let image = load(&object, &memory);
        assert_eq!(image.modinfo().get("author"), Some("A. Writer"));
        assert_eq!(image.modinfo().iter().count(), 4);
        let exports = image.exports();
        let find = |name: &str| exports.iter().find(|e| e.name == name).expect("exported");
        assert_eq!(exports.len(), 2);
        assert_eq!(Some(find("counter").address), image.symbol("counter"));
        assert_eq!(find("counter").license, ExportLicense::Any);
        assert_eq!(find("filled").license, ExportLicense::GplOnly);

        let param = image.section("__param").unwrap();
        assert_eq!(param.len(), 40);
        assert_eq!(access_of(param.start), "r--p");
        let words = param.start as *const usize;
        // SAFETY: a relocated struct kernel_param of five words.
        let (module, arg) = unsafe { (words.add(1).read(), words.add(4).read()) };
        assert_eq!(module, (&raw const THIS_MODULE).addr());
        assert_eq!(Some(arg), image.symbol("count"));
    });
}

#[test]
fn constants_cannot_be_written() {
    let bytes = compile("gcc", "module.c", "-O2");
    let memory = MmapMemory::default();
    let image = load(&parse(&bytes), &memory);
    let constant = image.symbol("constant").unwrap();
    let table = image.symbol("outside_table").unwrap();
    assert_eq!(access_of(constant), "r--p");
    assert_eq!(access_of(table), "r--p", "a table of pointers is constant once relocated");
    // SAFETY: two relocated words of the image.
    let words = unsafe { (table as *const [usize; 2]).read() };
    assert_eq!(words, [kernel("outside_add").unwrap(), kernel("jiffies").unwrap()]);

    // SAFETY: the child only runs one function of the image and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        call!(image, "write_constant", fn() -> (),);
        // SAFETY: ends the child without running anything of the parent's.
        unsafe { libc::_exit(0) };
    }
    let mut status = 0;
    // SAFETY: waits for the child just made.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGSEGV, "{status:#x}");
}

#[test]
fn only_used_classes_take_room_and_the_order_is_fixed() {
    let bytes = compile("gcc", "module.c", "-O2");
    let object = parse(&bytes);
    let memory = MmapMemory::default();
    let image = load(&object, &memory);
    assert_eq!(object.image_bytes(), image.len());
    let mut cursor = image.base();
    for class in Class::ALL {
        let range = image.range(class);
        assert_eq!(range.start, cursor, "{class:?}");
        cursor = range.end.next_multiple_of(kthreads_loader::PAGE_BYTES);
    }
    assert_eq!(cursor, image.base() + image.len());
    assert!(image.contains(cursor - 1) && !image.contains(cursor));
}
