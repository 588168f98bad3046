//! The text functions of make that Kbuild files use.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The functions on plain text, with the number of their arguments.
const TEXT_FUNCTIONS: &[(&str, usize)] = &[
    ("subst", 3),
    ("patsubst", 3),
    ("strip", 1),
    ("findstring", 2),
    ("filter", 2),
    ("filter-out", 2),
    ("sort", 1),
    ("word", 2),
    ("words", 1),
    ("firstword", 1),
    ("lastword", 1),
    ("dir", 1),
    ("notdir", 1),
    ("suffix", 1),
    ("basename", 1),
    ("addsuffix", 2),
    ("addprefix", 2),
    ("wildcard", 1),
    ("abspath", 1),
    ("realpath", 1),
];

/// Returns how many arguments a text function takes; `None` for what is none.
pub(super) fn arity(name: &str) -> Option<usize> {
    TEXT_FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, arity)| *arity)
}

/// Computes a text function; paths are relative to `folder`.
pub(super) fn call(name: &str, arguments: &[String], folder: &Path) -> String {
    let argument = |index: usize| arguments.get(index).map_or("", String::as_str);
    let (first, second) = (argument(0), argument(1));
    let last = argument(arguments.len().saturating_sub(1));
    let each = |change: &dyn Fn(&str) -> String| {
        last.split_whitespace().map(change).collect::<Vec<_>>().join(" ")
    };
    match name {
        "subst" => last.replace(first, second),
        "patsubst" => each(&|word| substitute(first, second, word)),
        "strip" => each(&str::to_owned),
        "findstring" if second.contains(first) => first.to_owned(),
        "filter" => select(second, |word| matches_any(first, word)),
        "filter-out" => select(second, |word| !matches_any(first, word)),
        "sort" => first
            .split_whitespace()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
            .join(" "),
        "word" => nth_word(first, second),
        "words" => first.split_whitespace().count().to_string(),
        "firstword" => first.split_whitespace().next().unwrap_or_default().to_owned(),
        "lastword" => first.split_whitespace().next_back().unwrap_or_default().to_owned(),
        "dir" => each(&|word| split_dir(word).0.to_owned()),
        "notdir" => each(&|word| split_dir(word).1.to_owned()),
        "suffix" => each(&|word| split_suffix(word).1.to_owned()).trim().to_owned(),
        "basename" => each(&|word| split_suffix(word).0.to_owned()),
        "addsuffix" => each(&|word| format!("{word}{first}")),
        "addprefix" => each(&|word| format!("{first}{word}")),
        "wildcard" => {
            first.split_whitespace().flat_map(|p| wildcard(p, folder)).collect::<Vec<_>>().join(" ")
        }
        "abspath" | "realpath" => each(&|word| folder.join(word).to_string_lossy().into_owned()),
        _ => String::new(),
    }
}

/// Replaces a word that matches `pattern`, in which `%` stands for any text.
pub(super) fn substitute(pattern: &str, replacement: &str, word: &str) -> String {
    match stem(pattern, word) {
        Some(stem) => replacement.replacen('%', stem, 1),
        None => word.to_owned(),
    }
}

/// Returns the text that `%` stands for; an empty one if a pattern without `%` is the word.
fn stem<'a>(pattern: &str, word: &'a str) -> Option<&'a str> {
    let Some((prefix, suffix)) = pattern.split_once('%') else {
        return (pattern == word).then_some("");
    };
    word.strip_prefix(prefix)?.strip_suffix(suffix)
}

fn matches_any(patterns: &str, word: &str) -> bool {
    patterns.split_whitespace().any(|pattern| stem(pattern, word).is_some())
}

fn select(words: &str, keep: impl Fn(&str) -> bool) -> String {
    words.split_whitespace().filter(|word| keep(word)).collect::<Vec<_>>().join(" ")
}

fn nth_word(number: &str, words: &str) -> String {
    let index = number.trim().parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    index.and_then(|index| words.split_whitespace().nth(index)).unwrap_or_default().to_owned()
}

fn split_dir(word: &str) -> (&str, &str) {
    match word.rfind('/') {
        Some(at) => word.split_at(at + 1),
        None => ("./", word),
    }
}

fn split_suffix(word: &str) -> (&str, &str) {
    match word.rfind('.') {
        Some(at) if !word[at..].contains('/') => word.split_at(at),
        _ => (word, ""),
    }
}

/// Lists the files that match; only the last part of the path can have `*` and `?`.
fn wildcard(pattern: &str, folder: &Path) -> Vec<String> {
    let (shown, name) = match split_dir(pattern) {
        _ if !pattern.contains('/') => ("", pattern),
        parts => parts,
    };
    if !name.contains(['*', '?']) {
        let exists = folder.join(pattern).exists();
        return exists.then(|| pattern.to_owned()).into_iter().collect();
    }
    let entries = fs::read_dir(folder.join(shown)).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|file| (!file.starts_with('.') || name.starts_with('.')) && matches(name, file))
        .map(|file| format!("{shown}{file}"))
        .collect();
    found.sort();
    found
}

/// Matches a file name; where a `*` took too little, it goes on from there with one more.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<_>, Vec<_>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                p = at + 1;
                n = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(name: &str, arguments: &[&str]) -> String {
        let arguments: Vec<_> = arguments.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(arity(name), Some(arguments.len()), "{name}");
        call(name, &arguments, Path::new("/base"))
    }

    #[test]
    fn text_functions() {
        let cases: &[(&str, &[&str], &str)] = &[
            ("subst", &[".c", ".o", "a.c b.c"], "a.o b.o"),
            ("patsubst", &["%.c", "x/%.o", "a.c b.h"], "x/a.o b.h"),
            ("strip", &["  a   b "], "a b"),
            ("findstring", &["a", "b a"], "a"),
            ("findstring", &["c", "b a"], ""),
            ("filter", &["%.c x", "a.c b.o x"], "a.c x"),
            ("filter-out", &["%.c x", "a.c b.o x"], "b.o"),
            ("sort", &["b a b"], "a b"),
            ("word", &["2", "a b c"], "b"),
            ("word", &["0", "a b c"], ""),
            ("words", &["a b c"], "3"),
            ("firstword", &["a b"], "a"),
            ("lastword", &["a b"], "b"),
            ("dir", &["x/a.c b.c"], "x/ ./"),
            ("notdir", &["x/a.c b.c"], "a.c b.c"),
            ("suffix", &["x.d/a b.c"], ".c"),
            ("basename", &["x.d/a b.c"], "x.d/a b"),
            ("addsuffix", &[".o", "a b"], "a.o b.o"),
            ("addprefix", &["x/", "a b"], "x/a x/b"),
            ("abspath", &["a /b"], "/base/a /b"),
        ];
        for (name, arguments, expected) in cases {
            assert_eq!(called(name, arguments), *expected, "{name} {arguments:?}");
        }
        assert_eq!(arity("eval"), None);
    }

    #[test]
    fn wildcards() {
        let scratch = tempfile::tempdir().unwrap();
        for name in ["b.c", "a.c", "a.h", ".x.c"] {
            fs::write(scratch.path().join(name), "").unwrap();
        }
        assert_eq!(wildcard("*.c", scratch.path()), ["a.c", "b.c"]);
        assert_eq!(wildcard("a.?", scratch.path()), ["a.c", "a.h"]);
        assert_eq!(wildcard("a.c", scratch.path()), ["a.c"]);
        assert!(wildcard("z.c", scratch.path()).is_empty());
        let absolute = format!("{}/*.h", scratch.path().display());
        assert_eq!(wildcard(&absolute, Path::new("/")), [absolute.replace('*', "a")]);
        assert!(matches("a*b*c", "axbxbxc") && !matches("a*b", "abc") && matches("**", ""));
    }
}
