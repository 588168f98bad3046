//! Tests of the parser.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::*;

/// Writes a script in a form that shows its structure: words in `[]`, quoted text in `'`,
/// substitutions in `{}`, `>`/`>>` before a target, `&` behind a background command.
fn show(script: &Script) -> String {
    let statements: Vec<_> = script.statements.iter().map(show_statement).collect();
    statements.join(" ; ")
}

fn show_statement(statement: &Statement) -> String {
    let mut all: Vec<_> = statement.command.words.iter().map(show_word).collect();
    for redirect in &statement.command.redirects {
        let sign = match redirect.mode {
            RedirectMode::Truncate => ">",
            RedirectMode::Append => ">>",
        };
        all.push(format!("{sign}{}", show_word(&redirect.target)));
    }
    if statement.mode == Mode::Background {
        all.push("&".to_string());
    }
    all.join("")
}

fn show_word(word: &Word) -> String {
    let show_part = |part: &Part| match part {
        Part::Literal { text, quoting: Quoting::Bare } => text.clone(),
        Part::Literal { text, quoting: Quoting::Quoted } => format!("'{text}'"),
        Part::Substitution { script, quoting: Quoting::Bare } => format!("{{{}}}", show(script)),
        Part::Substitution { script, quoting: Quoting::Quoted } => {
            format!("'{{{}}}'", show(script))
        }
    };
    format!("[{}]", word.parts.iter().map(show_part).collect::<String>())
}

fn shown(text: &str) -> String {
    show(&parse(text).unwrap())
}

/// Parses what must not parse; returns the error as it is printed.
fn error(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn commands_end_at_newlines_semicolons_and_ampersands() {
    let cases = [
        ("", ""),
        ("  \n ; \n\t;; ", ""),
        ("sleep 1", "[sleep][1]"),
        ("a;b\nc\r\nd ;", "[a] ; [b] ; [c] ; [d]"),
        ("a & b", "[a]& ; [b]"),
        ("a & ; b", "[a]& ; [b]"),
        ("a&", "[a]&"),
        ("a &\n;b&\n", "[a]& ; [b]&"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected, "{text:?}");
    }
}

#[test]
fn quotes_and_backslashes() {
    let cases = [
        ("echo 'a b'", "[echo]['a b']"),
        ("echo \"a  b\"c", "[echo]['a  b'c]"),
        ("echo '' \"\"", "[echo]['']['']"),
        ("echo a\\ b", "[echo][a' 'b]"),
        ("echo '\\n' \"\\n\\\"\\\\\\$x\"", "[echo]['\\n']['\\n\"\\$x']"),
        ("echo '$(x) `y` $z'", "[echo]['$(x) `y` $z']"),
        ("echo \"a;b&c|d>e#f'\"", "[echo]['a;b&c|d>e#f'']"),
        ("ec\\\nho a \\\n b", "[echo][a][b]"),
        ("echo \"a\\\nb\"", "[echo]['ab']"),
        ("echo \\; \\& \\| \\# \\$x", "[echo][';']['&']['|']['#']['$'x]"),
        ("echo 'two\nlines'; b", "[echo]['two\nlines'] ; [b]"),
        ("echo \\\"", "[echo]['\"']"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected, "{text:?}");
    }
}

#[test]
fn comments_start_only_at_a_word() {
    let cases = [
        ("# only a comment; no command & $x", ""),
        ("a # b\nc#d", "[a] ; [c#d]"),
        ("a;#b\n'#'c", "[a] ; ['#'c]"),
        ("#a \\\nb", "[b]"),
        ("echo $(a # ) still\n)", "[echo][{[a]}]"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected, "{text:?}");
    }
}

#[test]
fn redirections() {
    let cases = [
        ("echo 5 > /sys/module/m/parameters/n", "[echo][5]>[/sys/module/m/parameters/n]"),
        ("echo 5>>f", "error"),
        ("echo a>f", "[echo][a]>[f]"),
        ("echo a>>f b", "[echo][a][b]>>[f]"),
        (">f echo a >> 'g h' &", "[echo][a]>[f]>>['g h']&"),
        ("echo a> $(p)/f;b", "[echo][a]>[{[p]}/f] ; [b]"),
        ("echo '5'>f", "[echo]['5']>[f]"),
    ];
    for (text, expected) in cases {
        let result = parse(text).map_or("error".to_string(), |script| show(&script));
        assert_eq!(result, expected, "{text:?}");
    }
}

#[test]
fn substitutions() {
    let cases = [
        ("echo $(cat f)", "[echo][{[cat][f]}]"),
        ("echo \"a $(cat 'b c') d\"", "[echo]['a ''{[cat]['b c']}'' d']"),
        ("echo $(a $(b; c) d)e", "[echo][{[a][{[b] ; [c]}][d]}e]"),
        ("echo \"$(a \"$(b)\")\"", "[echo]['''{[a]['''{[b]}']}']"),
        ("echo $()", "[echo][{}]"),
        ("echo $(a\nb &)", "[echo][{[a] ; [b]&}]"),
        ("$(a) b", "[{[a]}][b]"),
        ("echo a$ $ \"$ \" \"$\"", "[echo][a$][$]['$ ']['$']"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected, "{text:?}");
    }
}

#[test]
fn statements_know_their_line() {
    let script = parse("a\n\n# c\n  b \\\n c; d 'x\ny'\ne").unwrap();
    let lines: Vec<_> = script.statements.iter().map(|statement| statement.line).collect();
    assert_eq!(lines, [1, 4, 5, 7]);
}

#[test]
fn what_sh_has_beyond_is_refused_by_name() {
    let cases = [
        ("ps | grep a", "line 1, column 4: `|` is not supported here: there are no pipes"),
        ("a\n b || c", "line 2, column 4: `||` is not supported here: each command runs"),
        ("a && b", "line 1, column 3: `&&` is not supported here: "),
        ("a &>f", "line 1, column 3: `&>` is not supported here: use `> PATH`"),
        ("a >&2", "line 1, column 3: `>&` is not supported here: "),
        ("a <f", "line 1, column 3: `<` is not supported here: "),
        ("a 2>f", "line 1, column 3: `2>` is not supported here: it names a file descriptor"),
        ("(a)", "line 1, column 1: `(` is not supported here: "),
        ("f() { a; }", "line 1, column 2: `(` is not supported here: "),
        ("echo `a`", "line 1, column 6: ``` is not supported here: use $(...)"),
        ("echo \"`a`\"", "line 1, column 7: ``` is not supported here: use $(...)"),
        ("if a; then b; fi", "line 1, column 1: `if` is not supported here: a script runs"),
        ("a; while b", "line 1, column 4: `while` is not supported here: "),
        ("{ a; }", "line 1, column 1: `{` is not supported here: "),
        ("! a", "line 1, column 1: `!` is not supported here: "),
        ("kill $PID", "line 1, column 6: `$PID` is not supported here: there are no variables"),
        ("kill \"${PID}x\"", "line 1, column 7: `${PID}` is not supported here: "),
        ("echo $? $!", "line 1, column 6: `$?` is not supported here: "),
        ("echo $((1+2))", "line 1, column 6: `$((` is not supported here: there is no arith"),
        ("echo $'a'", "line 1, column 6: `$'` is not supported here: "),
        ("PID=3", "line 1, column 1: `PID=` is not supported here: there are no variables"),
        ("P=$(a) b", "line 1, column 1: `P=` is not supported here: "),
    ];
    for (text, expected) in cases {
        assert!(error(text).starts_with(expected), "{text:?}: {}", error(text));
    }
}

#[test]
fn keywords_and_assignments_are_plain_words_elsewhere() {
    assert_eq!(shown("echo if { } ! a=b 1=2"), "[echo][if][{][}][!][a=b][1=2]");
    assert_eq!(shown("'if' a"), "['if'][a]");
    assert_eq!(shown("./a=b"), "[./a=b]");
    assert_eq!(shown("insmod a.ko str='a b'"), "[insmod][a.ko][str='a b']");
}

#[test]
fn broken_text_is_refused_where_it_is_broken() {
    let cases = [
        ("echo 'a\nb", "line 1, column 6: this ' is never closed"),
        ("a\necho x\"a", "line 2, column 7: this \" is never closed"),
        ("echo \"$(a\"", "line 1, column 10: this \" is never closed"),
        ("echo $(a $(b)", "line 1, column 6: this `$(` is never closed"),
        ("a )", "line 1, column 3: this `)` closes nothing"),
        ("a \\", "line 1, column 3: nothing follows this backslash"),
        ("& a", "line 1, column 1: there is no command before this `&`"),
        ("a & & b", "line 1, column 5: there is no command before this `&`"),
        ("a >", "line 1, column 3: no path follows"),
        ("a >> ; b", "line 1, column 3: no path follows"),
        ("> f", "line 1, column 1: there is no command whose output"),
        ("é 'ü' >", "line 1, column 7: no path follows"),
    ];
    for (text, expected) in cases {
        assert!(error(text).starts_with(expected), "{text:?}: {}", error(text));
    }
}

#[test]
fn a_prompt_can_tell_what_is_only_unfinished() {
    for text in ["echo 'a", "echo \"a", "echo $(a", "echo a \\"] {
        assert!(parse(text).unwrap_err().is_incomplete(), "{text}");
    }
    for text in ["a | b", "a )", "& a", "a >", "echo $x"] {
        assert!(!parse(text).unwrap_err().is_incomplete(), "{text}");
    }
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| format!("a {}{}", "$(a ".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(MAX_NESTING)).is_ok());
    assert!(error(&nested(MAX_NESTING + 1)).contains("more than 16 `$(` in each other"));
    assert!(error(&nested(100_000)).contains("more than 16 `$(` in each other"));
}

/// Is a small generator of numbers (xorshift): the tests repeat exactly.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    fn text(&mut self, pieces: &[&str], longest: usize) -> String {
        let length = self.below(longest);
        (0..length).map(|_| pieces[self.below(pieces.len())]).collect()
    }
}

#[test]
fn no_text_makes_the_parser_panic() {
    const PIECES: &[&str] = &[
        "a", "b=", "if", " ", " ", "\t", "\n", "\r", "\r\n", ";", "&", "|", "<", ">", "(", ")",
        "$", "$(", "{", "}", "'", "\"", "\\", "`", "#", "9", "=", "é", "🧵", "\0", "!", "*",
    ];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut parsed = 0;
    for _ in 0..50_000 {
        let text = random.text(PIECES, 24);
        match parse(&text) {
            Ok(script) => {
                parsed += 1;
                assert!(script.statements.iter().all(|s| !s.command.words.is_empty()), "{text:?}");
            }
            Err(error) => {
                let lines = text.matches('\n').count() as u32 + 1;
                assert!((1..=lines).contains(&error.position.line), "{text:?}: {error}");
                assert!(error.position.column >= 1, "{text:?}: {error}");
            }
        }
    }
    assert!(parsed > 1_000, "only {parsed} texts were scripts");
}

#[test]
fn any_text_in_single_quotes_is_one_word() {
    const PIECES: &[&str] =
        &["a", " ", "\n", ";", "&", "|", "<", ">", "$(", ")", "\"", "\\", "`", "#", "é", "$x"];
    let mut random = Random(42);
    for _ in 0..2_000 {
        let text = random.text(PIECES, 20);
        let script = parse(&format!("echo '{text}'")).unwrap();
        assert_eq!(script.statements.len(), 1);
        assert_eq!(script.statements[0].command.words[1].literal(), Some(text));
    }
}
