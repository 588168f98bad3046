//! Builds small sources with the real compiler.

use super::*;

/// Needs no header: declares what it uses.
const SOURCE: &str = "int printed(const char *format, ...);\n\
    extern int other(void);\n\
    int init_module(void) { return printed(KBUILD_MODNAME \"/\" KBUILD_BASENAME \"/\" WHO); }\n";

struct Sources(tempfile::TempDir);

impl Sources {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        Sources(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn request(targets: &[Target], place: Place) -> Request {
    let instrument = Instrument::Nothing;
    Request { targets: targets.to_vec(), place, colour: Colour::Never, instrument }
}

/// Builds; returns the result and what was said.
fn built(targets: &[Target], place: Place) -> (Result<Build, BuildError>, String) {
    let mut messages = Vec::new();
    let result = build(&request(targets, place), &mut messages);
    (result, String::from_utf8(messages).unwrap())
}

/// Checks that a file is a relocatable x86-64 object, and that a text is in it.
fn assert_object(path: &Path, text: &str) {
    let content = fs::read(path).unwrap();
    assert_eq!(&content[..4], b"\x7fELF", "{}", path.display());
    assert_eq!((content[16], content[18]), (1, 62), "{} is relocatable", path.display());
    let found = content.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(found, "{} has no {text:?}", path.display());
}

#[test]
fn one_file_becomes_a_module_of_its_name() {
    let sources = Sources::new(&[("hand-off.c", &format!("#define WHO \"me\"\n{SOURCE}"))]);
    let (result, messages) =
        built(&[Target::of(&sources.path("hand-off.c")).unwrap()], Place::Temporary);
    let build = result.unwrap();
    assert_eq!(messages, "");
    let module = build.modules[0].clone();
    assert_eq!((module.name.as_str(), module.target), ("hand_off", 0));
    assert_eq!(module.path.file_name().unwrap(), "hand-off.ko");
    assert_object(&module.path, "hand_off/hand_off/me");
    drop(build);
    assert!(!module.path.exists(), "the temporary directory goes with the build");
}

#[test]
fn several_files_become_one_module_named_by_its_output() {
    let first = format!("#define WHO \"first\"\n{SOURCE}");
    let sources = Sources::new(&[("a.c", &first), ("b.c", "int other(void) { return 7; }\n")]);
    let output = sources.path("to-gether.ko");
    let target = Target::Sources(vec![sources.path("a.c"), sources.path("b.c")]);
    let (result, messages) = built(&[target], Place::File(output.clone()));
    let build = result.unwrap();
    assert_eq!(messages, "");
    assert_eq!(
        build.modules,
        [Module { name: "to_gether".into(), path: output.clone(), target: 0 }]
    );
    assert_object(&output, "to_gether/a/first");
    assert_object(&output, "other");
}

#[test]
fn a_directory_is_built_with_its_flags_beside_other_targets() {
    let makefile = "obj-m := one.o two.o\ntwo-y := a.o b.o\nccflags-y := -DWHO='\"all\"'\n\
                    CFLAGS_one.o := -UWHO -DWHO='\"only one\"'\n";
    let sources = Sources::new(&[
        ("Makefile", makefile),
        ("one.c", SOURCE),
        ("a.c", SOURCE),
        ("b.c", "int other(void) { return 7; }\n"),
        ("ready.ko", "never looked at"),
    ]);
    let ready = Target::of(&sources.path("ready.ko")).unwrap();
    let folder = Target::of(sources.0.path()).unwrap();
    let (result, messages) = built(&[ready, folder], Place::Temporary);
    let build = result.unwrap();
    assert_eq!(messages, "");
    let seen: Vec<_> = build.modules.iter().map(|m| (m.name.as_str(), m.target)).collect();
    assert_eq!(seen, [("ready", 0), ("one", 1), ("two", 1)]);
    assert_eq!(build.modules[0].path, sources.path("ready.ko"));
    assert_object(&build.modules[1].path, "one/one/only one");
    assert_object(&build.modules[2].path, "two/a/all");
}

#[test]
fn the_compilers_own_headers_can_be_included() {
    let source = "#include <stdarg.h>\n#include <stdbool.h>\n\
        bool sum(int n, ...) { va_list a; va_start(a, n); n += va_arg(a, int); va_end(a); return n; }\n";
    let sources = Sources::new(&[("a.c", source)]);
    let (result, messages) = built(&[Target::of(&sources.path("a.c")).unwrap()], Place::Temporary);
    assert!(result.is_ok(), "{messages}");
}

#[test]
fn headers_beside_the_source_are_found() {
    let sources = Sources::new(&[
        ("a.c", "#include <mine.h>\nint a = MINE;\n"),
        ("mine.h", "#define MINE 4\n"),
    ]);
    let (result, messages) = built(&[Target::of(&sources.path("a.c")).unwrap()], Place::Temporary);
    assert!(result.is_ok(), "{messages}");
}

#[test]
fn errors_and_warnings_of_the_compiler_are_shown_for_each_file() {
    let sources = Sources::new(&[
        ("bad.c", "int a(void) { return nowhere; }\n"),
        ("worse.c", "int a(void {\n"),
        ("odd.c", "static int unused;\n"),
    ]);
    let target = |name: &str| Target::of(&sources.path(name)).unwrap();
    let (result, messages) =
        built(&[target("bad.c"), target("odd.c"), target("worse.c")], Place::Temporary);
    let error = result.unwrap_err();
    let BuildError::NotCompiled { sources: failed, .. } = &error else { panic!("{error}") };
    assert_eq!(failed, &[sources.path("bad.c"), sources.path("worse.c")]);
    for expected in ["bad.c:1:", "nowhere", "worse.c:1:", "odd.c:1:", "unused"] {
        assert!(messages.contains(expected), "{expected}: {messages}");
    }
    let (result, messages) = built(&[target("odd.c")], Place::Temporary);
    assert!(result.is_ok() && messages.contains("warning: "), "{messages}");
}

#[test]
fn warnings_stay_warnings() {
    let makefile = "obj-m := odd.o\nccflags-y := -Werror\n";
    let sources = Sources::new(&[("Makefile", makefile), ("odd.c", "static int unused;\n")]);
    let (result, messages) = built(&[Target::of(sources.0.path()).unwrap()], Place::Temporary);
    assert!(result.is_ok() && messages.contains("warning: "), "{messages}");
}

#[test]
fn parts_that_do_not_fit_together_are_refused_by_the_linker() {
    let sources = Sources::new(&[("a.c", "int same = 1;\n"), ("b.c", "int same = 2;\n")]);
    let target = Target::Sources(vec![sources.path("a.c"), sources.path("b.c")]);
    let (result, messages) = built(&[target], Place::Temporary);
    let error = result.unwrap_err().to_string();
    assert_eq!(error.split(" (").next(), Some("the parts of a could not be linked"));
    assert!(messages.contains("same"), "{messages}");
}

#[test]
fn outputs_that_would_collide_are_refused() {
    let sources = Sources::new(&[
        ("a.c", "int a;\n"),
        ("b.c", "int b;\n"),
        ("Makefile", "obj-m := a.o b.o\n"),
    ]);
    let folder = Target::of(sources.0.path()).unwrap();
    let (result, _) = built(std::slice::from_ref(&folder), Place::File(sources.path("x.ko")));
    assert!(result.unwrap_err().to_string().contains("-o names one module, but there are 2"));
    let place = Place::Directory(sources.0.path().to_owned());
    let (result, _) = built(&[folder.clone(), folder], place);
    assert!(result.unwrap_err().to_string().contains("two modules are called a"));
}

#[test]
fn only_what_can_be_a_module_is_a_target() {
    let sources = Sources::new(&[("a.txt", ""), ("a.ko", "")]);
    assert!(matches!(Target::of(&sources.path("a.txt")), Err(BuildError::UnknownKind(_))));
    assert!(matches!(Target::of(&sources.path("no.c")), Err(BuildError::NotFound(_))));
    assert_eq!(Target::of(&sources.path("a.ko")).unwrap(), Target::Module(sources.path("a.ko")));
}

#[test]
fn work_in_parallel_keeps_the_order() {
    let numbers: Vec<usize> = (0..100).collect();
    assert_eq!(in_parallel(&numbers, |n| n * 2), numbers.iter().map(|n| n * 2).collect::<Vec<_>>());
}
