//! What a source declares and does not define, as the compiler sees it.

use std::collections::BTreeSet;
use std::fs;

use crate::compiler::Compiler;

/// Names with external linkage that must come from elsewhere.
pub(crate) struct Declared {
    pub(crate) functions: BTreeSet<String>,
    pub(crate) variables: BTreeSet<String>,
}

impl Declared {
    /// Asks gcc, which can list prototypes; variables are read from the preprocessed text.
    pub(crate) fn by(gcc: &Compiler, source: &str) -> Declared {
        let scratch = tempfile::tempdir().expect("there is room for temporary files");
        let list = scratch.path().join("prototypes");
        let list = list.to_str().expect("temporary directories have plain names");
        gcc.feed(&["-fsyntax-only", "-aux-info", list], source);
        let prototypes = fs::read_to_string(list).expect("gcc has written it");
        let functions = prototypes.lines().filter_map(declared_function).collect();
        let text = gcc.feed(&["-E", "-P"], source);
        Declared { functions, variables: declared_variables(&text) }
    }
}

/// Reads one line of gcc's list: `/* file:line:NC */ extern int name (int, char *);`, where C is
/// a declaration and F a definition.
fn declared_function(line: &str) -> Option<String> {
    let (place, prototype) = line.strip_prefix("/* ")?.split_once(" */ ")?;
    let is_declared = place.ends_with('C');
    if !is_declared || prototype.starts_with("static ") {
        return None;
    }
    let head = prototype.split_once(" (")?.0;
    let name = match head.rsplit_once([' ', '*']) {
        // A function that returns a pointer to a function: `int (*name (int)) (void)`.
        _ if prototype.contains("(*") && head.ends_with(' ') => return None,
        Some((_, name)) => name,
        None => head,
    };
    Some(name.to_owned())
}

/// Finds `extern` declarations outside of all braces that declare no function.
fn declared_variables(text: &str) -> BTreeSet<String> {
    let mut depth = 0_u32;
    let mut statement = String::new();
    let mut names = BTreeSet::new();
    for character in text.chars() {
        match character {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && !statement.trim_start().starts_with("extern") {
                    statement.clear();
                }
            }
            ';' if depth == 0 => names.extend(declared_variable(&std::mem::take(&mut statement))),
            _ if depth == 0 => statement.push(character),
            _ => {}
        }
    }
    names
}

/// Takes the name from `extern const struct type name[4] __attribute__((..))`.
fn declared_variable(statement: &str) -> Option<String> {
    let declaration = statement.trim().strip_prefix("extern ")?;
    let declaration = without_attributes(declaration);
    if declaration.contains('(') {
        return None;
    }
    let name = declaration.split('[').next()?.trim_end();
    let start = name.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    Some(name[start..].to_owned())
}

fn without_attributes(declaration: &str) -> String {
    let mut rest = declaration;
    let mut text = String::new();
    while let Some(at) = rest.find("__attribute__") {
        text.push_str(&rest[..at]);
        let list = &rest[at..];
        let mut depth = 0;
        let end = list.char_indices().find(|&(_, character)| {
            match character {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => return false,
            }
            depth == 0
        });
        rest = end.map_or("", |(at, _)| &list[at + 1..]);
    }
    text + rest
}

#[test]
fn prototypes_are_read() {
    let name = |line| declared_function(line);
    let is = |name: &str| Some(name.to_owned());
    assert_eq!(name("/* a.h:1:NC */ extern int f (const char *, ...);"), is("f"));
    assert_eq!(name("/* a.h:1:NC */ extern struct t *g (void);"), is("g"));
    assert_eq!(name("/* a.h:1:NF */ static int h (void); /* (void) */"), None);
    assert_eq!(name("/* a.h:1:NC */ static int i (void);"), None);
    assert_eq!(name("/* compiled from: . */"), None);
}

#[test]
fn variables_are_read() {
    let text = "struct s { int a; }; extern struct s x; static inline int f(void) { return 1; }
        extern int g(void); extern const int __attribute__((aligned(8))) *y[4]; int z;
        static int h(void) { extern int inner; return inner; }
        extern volatile unsigned long a; extern int b(int) __attribute__((cold));";
    let names: Vec<String> = declared_variables(text).into_iter().collect();
    assert_eq!(names, ["a", "x", "y"]);
}
