//! Tests of whole Kbuild and Makefile texts.

use super::*;

/// What `expect` sees of a module: its name, and the names and flags of its sources.
fn shown(modules: &[ModulePlan], folder: &Path) -> String {
    let here = folder.canonicalize().unwrap().to_string_lossy().into_owned();
    let unit = |unit: &Unit| {
        let name = unit.source.strip_prefix(folder).unwrap().display().to_string();
        let flags = unit.flags.iter().map(|flag| format!(" {}", flag.replace(&here, "HERE")));
        name + &flags.collect::<String>()
    };
    let module = |module: &ModulePlan| {
        let units: Vec<_> = module.units.iter().map(unit).collect();
        format!("{}: {}", module.stem, units.join(", "))
    };
    modules.iter().map(module).collect::<Vec<_>>().join("; ")
}

struct Folder(tempfile::TempDir);

impl Folder {
    /// Makes a directory with a Makefile and the sources a.c to d.c, x.S and sub/e.c.
    fn new(makefile: &str) -> Self {
        let folder = Folder(tempfile::tempdir().unwrap());
        for name in ["a.c", "b.c", "c.c", "d-e.c", "x.S"] {
            folder.write(name, "");
        }
        fs::create_dir(folder.path().join("sub")).unwrap();
        folder.write("sub/e.c", "");
        folder.write("Makefile", makefile);
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path().join(name), content).unwrap();
    }

    /// Reads it; returns the modules and the warnings without the directory.
    fn read(&self) -> (Result<String, BuildError>, Vec<String>) {
        let mut warnings = Vec::new();
        let modules = read(self.path(), &mut warnings);
        let prefix = format!("{}/", self.path().display());
        let warnings = warnings.iter().map(|text| text.replace(&prefix, "")).collect();
        (modules.map(|modules| shown(&modules, self.path())), warnings)
    }
}

#[test]
fn makefiles_and_what_they_build() {
    let cases = [
        ("obj-m := a.o", "a: a.c"),
        ("obj-m:=a.o b.o\n", "a: a.c; b: b.c"),
        ("obj-m := a.o\nobj-m += b.o a.o", "a: a.c; b: b.c"),
        ("obj-m += a.o # the module\n# obj-m += b.o", "a: a.c"),
        ("obj-m := both.o\nboth-objs := a.o b.o", "both: a.c, b.c"),
        ("obj-m := both.o\nboth-y := a.o \\\n\tb.o \\\n  c.o\n", "both: a.c, b.c, c.c"),
        ("obj-m := both.o\nboth-y := a.o\nboth-$(CONFIG_SMP) += b.o", "both: a.c, b.c"),
        ("obj-m := both.o\nboth-y := a.o\nboth-$(CONFIG_NO_SUCH) += b.o", "both: a.c"),
        ("CONFIG_A := m\nobj-$(CONFIG_A) += a.o", "a: a.c"),
        ("CONFIG_A ?= m\nCONFIG_A ?= n\nobj-${CONFIG_A} += a.o", "a: a.c"),
        ("obj-m := d-e.o", "d-e: d-e.c"),
        (
            "obj-m := with.o\nwith-objs := a.o x.o\nccflags-y := -DC\nasflags-y := -DS",
            "with: a.c -DC, x.S -DS",
        ),
        ("obj-m := a.o\na-objs := a.o", "a: a.c"),
        ("obj-m := sub/e.o", "e: sub/e.c"),
        ("obj-m := e2.o\ne2-y := a.o sub/e.o", "e2: a.c, sub/e.c"),
        ("NAME = a\nobj-m := $(NAME).o", "a: a.c"),
        ("obj-m = $(NAME).o\nNAME := a", "a: a.c"),
        ("obj-m := a$(LATER).o\nLATER := b", "a: a.c"),
        ("SRCS := a.c b.c\nobj-m := m.o\nm-objs := $(SRCS:.c=.o)", "m: a.c, b.c"),
        (
            "obj-m := m.o\nm-y := $(patsubst $(src)/%.c,%.o,$(wildcard $(src)/?.c))",
            "m: a.c, b.c, c.c",
        ),
        (
            "obj-m := m.o\nm-y := $(filter-out c.o,$(patsubst %.c,%.o,$(notdir $(wildcard $(M)/?.c))))",
            "m: a.c, b.c",
        ),
        ("obj-m := $(foreach n,a b,$(n).o)", "a: a.c; b: b.c"),
        ("obj-m := $(if $(KERNELRELEASE),a.o,b.o)", "a: a.c"),
    ];
    for (makefile, expected) in cases {
        let (modules, warnings) = Folder::new(makefile).read();
        assert_eq!(modules.unwrap(), expected, "{makefile:?}");
        assert!(warnings.is_empty(), "{makefile:?}: {warnings:?}");
    }
}

#[test]
fn flags() {
    let cases = [
        ("ccflags-y := -DDEBUG -O1", "a: a.c -DDEBUG -O1"),
        ("EXTRA_CFLAGS += -DA='\"x y\"' -DB=\\\"z\\\"", "a: a.c -DA=\"x y\" -DB=\"z\""),
        ("ccflags-y += -DA\nccflags-y += -DB", "a: a.c -DA -DB"),
        ("CFLAGS_a.o := -DA\nCFLAGS_b.o := -DB", "a: a.c -DA"),
        ("ccflags-y := -DA -pg\nCFLAGS_REMOVE_a.o = -pg", "a: a.c -DA"),
        (
            "ccflags-y := -I$(src)/inc -I$(PWD) -I inc -I.",
            "a: a.c -IHERE/inc -IHERE -I HERE/inc -IHERE/.",
        ),
        ("subdir-ccflags-y := -DS", "a: a.c -DS"),
        ("ccflags-$(CONFIG_SMP) += -DSMP\nccflags-$(NOTHING) += -DNO", "a: a.c -DSMP"),
    ];
    for (lines, expected) in cases {
        let (modules, warnings) = Folder::new(&format!("{lines}\nobj-m := a.o\n")).read();
        assert_eq!(modules.unwrap(), expected, "{lines:?}");
        assert!(warnings.is_empty(), "{lines:?}: {warnings:?}");
    }
}

const OUT_OF_TREE: &str = "
# To build: make
ifneq ($(KERNELRELEASE),)
\tobj-m := pair.o
\tpair-objs := a.o b.o
else
\tKDIR ?= /lib/modules/$(shell uname -r)/build
\tPWD := $(shell pwd)

all: modules
modules:
\t$(MAKE) -C $(KDIR) M=$(PWD) modules
\tif [ -f x ]; then \\
\t\techo obj-m := c.o; \\
\tfi

clean:
\trm -rf *.o
.PHONY: all clean
endif
";

#[test]
fn the_branch_of_the_kernel_build_is_taken() {
    let (modules, warnings) = Folder::new(OUT_OF_TREE).read();
    assert_eq!(modules.unwrap(), "pair: a.c, b.c");
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn rules_and_recipes_are_passed_over() {
    let text = "obj-m += a.o\nKDIR := /lib/modules/$(shell uname -r)/build\nPWD := $(shell pwd)\n\
                all: x\n\tmake -C $(KDIR) M=$(PWD) modules\n\n# comment\n\tobj-m := c.o\n\
                clean: ; rm x\ninstall::\n\techo $(shell date)\n\
                user: CFLAGS = -O0\nobj-m += b.o\n";
    let (modules, warnings) = Folder::new(text).read();
    assert_eq!(modules.unwrap(), "a: a.c; b: b.c");
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn conditions() {
    let cases = [
        ("ifeq ($(A),)", "a"),
        ("ifneq ($(A),)", "b"),
        ("ifeq ($(B),yes)", "a"),
        ("ifeq (yes, $(B))", "a"),
        ("ifeq \"$(B)\" \"yes\"", "a"),
        ("ifeq '$(B)' 'no'", "b"),
        ("ifeq ($(strip $(B) ),$(subst n,y,nes))", "a"),
        ("ifdef B", "a"),
        ("ifdef A", "b"),
        ("ifndef A # not", "a"),
        ("ifeq ($(A),1)\nelse ifeq ($(B),yes)", "a"),
        ("ifeq ($(A),1)\nelse ifeq ($(A),2)", "b"),
        ("ifeq ($(B),yes)\nifeq ($(A),1)\nobj-m += c.o\nelse\nendif", "a"),
        ("ifeq ($(A),1)\nifeq ($(A),)\nobj-m += c.o\nelse\nobj-m += c.o\nendif", "b"),
    ];
    for (condition, expected) in cases {
        let text = format!("B := yes\n{condition}\nobj-m += a.o\nelse\nobj-m += b.o\nendif\n");
        let (modules, warnings) = Folder::new(&text).read();
        assert_eq!(modules.unwrap(), format!("{expected}: {expected}.c"), "{condition}");
        assert!(warnings.is_empty(), "{condition}: {warnings:?}");
    }
}

#[test]
fn unknown_constructs_are_named_with_file_and_line() {
    let cases = [
        ("V := $(shell git describe)", "`git describe` is not run"),
        ("$(eval x := y)", "`$(eval ...)` is not known here"),
        ("include nowhere.mk", "cannot include nowhere.mk"),
        ("what is this", "`what is this` is not understood"),
        ("endif", "`endif` without an `if`"),
        ("ifeq x\nendif", "`ifeq x` is not understood"),
        ("ifdef A", "the file ends before `endif`"),
        ("A = $(A)\nB := $(A)", "refers to itself"),
        ("A := $(B", "never closed"),
        ("obj-$(CONFIG_NO_SUCH) += b.o", "CONFIG_NO_SUCH is not set: b.o is not built"),
        ("obj-y := b.o", "obj-y is ignored"),
        ("obj-m += b.c", "b.c is neither an object nor a folder/"),
        ("$(warning mind the gap)", "mind the gap"),
    ];
    for (text, expected) in cases {
        let (modules, warnings) = Folder::new(&format!("obj-m := a.o\n{text}\n")).read();
        assert_eq!(modules.unwrap(), "a: a.c", "{text:?}");
        assert_eq!(warnings.len(), 1, "{text:?}: {warnings:?}");
        assert!(warnings[0].starts_with("Makefile:"), "{warnings:?}");
        assert!(warnings[0].contains(expected), "{text:?}: {warnings:?}");
    }
    let (_, warnings) = Folder::new("obj-m := a.o\n\nwhat is this\n").read();
    assert!(warnings[0].starts_with("Makefile:3: warning: "), "{warnings:?}");
}

#[test]
fn errors_say_what_to_do() {
    let cases = [
        ("all:\n\ttrue", "names no module: it needs a line `obj-m := NAME.o`"),
        ("obj-m := nosuch.o", "there is neither"),
        ("obj-m := a.o\na-objs := a.o b.o", "a.o is listed as a part of a.o"),
        ("$(error no luck)", "Makefile:1: no luck"),
        ("obj-m := a.o\nccflags-y := '-D", "open quote"),
        ("obj-m := empty/", "no such file or directory"),
        ("obj-m := sub/", "sub has no Kbuild and no Makefile"),
    ];
    for (text, expected) in cases {
        let error = Folder::new(text).read().0.unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
}

#[test]
fn kbuild_comes_before_makefile_and_can_be_included() {
    let folder = Folder::new("obj-m := a.o");
    folder.write("Kbuild", "obj-m := b.o\n-include more.mk nowhere.mk");
    assert_eq!(folder.read().0.unwrap(), "b: b.c");
    folder.write("more.mk", "obj-m += c.o\n");
    assert_eq!(folder.read().0.unwrap(), "b: b.c; c: c.c");
}

#[test]
fn folders_are_entered_with_the_flags_for_them() {
    let folder = Folder::new("obj-m := a.o sub/\nsubdir-ccflags-y := -DS\nccflags-y := -DA");
    folder.write("sub/Makefile", "obj-m := e.o");
    assert_eq!(folder.read().0.unwrap(), "a: a.c -DS -DA; e: sub/e.c -DS");
}

#[test]
fn define_is_read_to_its_end() {
    let folder = Folder::new("define X\nobj-m := c.o\nendef\nobj-m := a.o");
    let (modules, warnings) = folder.read();
    assert_eq!(modules.unwrap(), "a: a.c");
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn no_text_makes_it_panic() {
    const PIECES: &[&str] = &[
        "$",
        "(",
        ")",
        "{",
        "}",
        "a",
        "obj-m",
        ":=",
        "=",
        "+=",
        ":",
        ",",
        "\n",
        "\t",
        "\\\n",
        "#",
        "ifeq ",
        "ifdef ",
        "else",
        "endif",
        "define ",
        "endef",
        "$(if ",
        "$(foreach ",
        "$(or ",
        "$(patsubst %",
        "é",
        "\"",
        "'",
        " ",
        "include ",
        "%",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % limit
    };
    let environment = |_: &str| None;
    for _ in 0..20_000 {
        let text: String = (0..next(30)).map(|_| PIECES[next(PIECES.len())]).collect();
        let mut makefile = Makefile::new(PathBuf::from("/nowhere"), &environment);
        makefile.read(Path::new("Makefile"), &text);
        let _ = makefile.value("obj-m");
    }
}
