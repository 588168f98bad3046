//! The recorded answers of a real kernel, and the module that asks for them.
//!
//! `vectors/linux-6.1.txt` is written from the console of the module that `print_the_module` prints,
//! never by hand. It carries the hash of the cases that it answers.

use super::std::fmt::Write;
use super::std::format;
use super::std::string::{String, ToString};
use super::std::vec::Vec;
use super::std::{println, vec};

use super::{Memory, Words, escape};
use crate::format::{self, Prefix, Scanned};

const CASES: &str = include_str!("../vectors/cases.txt");
const RECORD: &str = include_str!("../vectors/linux-6.1.txt");

fn cases() -> impl Iterator<Item = &'static str> {
    CASES.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// FNV-1a, to notice a record that belongs to other cases.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Splits a case at blanks outside quotes.
fn tokens(line: &str) -> Vec<&str> {
    let (mut tokens, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (index, byte) in line.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b' ' if !quoted => {
                tokens.push(&line[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    tokens.push(&line[start..]);
    tokens
}

/// Turns a quoted token into its bytes.
fn unquote(token: &str) -> Vec<u8> {
    let inner = token.strip_prefix('"').and_then(|t| t.strip_suffix('"')).expect(token);
    let (mut bytes, mut rest) = (Vec::new(), inner.bytes());
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next().expect("an escape") {
            b'n' => b'\n',
            b'r' => b'\r',
            b'x' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    bytes
}

fn integer(text: &str) -> u64 {
    match (text.strip_prefix("0x"), text.starts_with('-')) {
        (Some(digits), _) => u64::from_str_radix(digits, 16).unwrap(),
        (None, true) => text.parse::<i64>().unwrap() as u64,
        (None, false) => text.parse().unwrap(),
    }
}

/// Answers a case as the recording module does.
fn answer(line: &str) -> String {
    let tokens = tokens(line);
    match tokens[0] {
        "p" => answer_format(&tokens),
        "s" => answer_scan(&tokens),
        "k" => answer_kstrto(tokens[1], integer(tokens[2]) as u32, &unquote(tokens[3])),
        "u" => {
            let Prefix { value, used } =
                format::simple_strtoull(&unquote(tokens[2]), integer(tokens[1]) as u32);
            format!("{value} {used}")
        }
        "v" => {
            let Prefix { value, used } =
                format::simple_strtoll(&unquote(tokens[2]), integer(tokens[1]) as u32);
            format!("{value} {used}")
        }
        "b" => match format::kstrtobool(&unquote(tokens[1])) {
            Ok(value) => format!("0 {}", u8::from(value)),
            Err(error) => format!("-{} 7", error.errno()),
        },
        "m" => {
            let Prefix { value, used } = format::memparse(&unquote(tokens[1]));
            format!("{value} {used}")
        }
        other => panic!("no such case: {other}"),
    }
}

fn answer_format(tokens: &[&str]) -> String {
    let mut memory = Memory::default();
    let words = tokens[2..].iter().map(|token| {
        let (kind, value) = token.split_once(':').unwrap();
        match kind {
            "s" | "b" => memory.add(&unquote(value)),
            "y" => memory.add_symbol(value),
            _ => integer(value),
        }
    });
    let mut words = Words(words.collect::<Vec<_>>().into_iter());
    let mut text = Vec::new();
    let length = format::format(&mut text, &unquote(tokens[1]), &mut words, &memory);
    assert_eq!(length, text.len());
    let shown = text.iter().position(|&byte| byte == 0).unwrap_or(length);
    format!("{length} \"{}\"", escape(&text[..shown]))
}

fn answer_scan(tokens: &[&str]) -> String {
    let kinds = &tokens[3..];
    let mut objects = vec![[0x55_u8; 64]; kinds.len()];
    let mut words = Words((0..kinds.len() as u64).collect::<Vec<_>>().into_iter());
    let input = unquote(tokens[1]);
    let count = format::sscanf(&input, &unquote(tokens[2]), &mut words, &mut |index, value| {
        let object = &mut objects[index as usize];
        match value {
            Scanned::Int { bytes, value } => {
                let bytes = usize::from(bytes);
                object[..bytes].copy_from_slice(&value.to_le_bytes()[..bytes]);
            }
            Scanned::Chars(chars) => object[..chars.len()].copy_from_slice(chars),
            Scanned::Text(text) => {
                object[..text.len()].copy_from_slice(text);
                object[text.len()] = 0;
            }
        }
    });
    let mut answer = count.to_string();
    for (kind, object) in kinds.iter().zip(objects) {
        let length = match *kind {
            "c" => 1,
            "h" => 2,
            "i" => 4,
            "l" => 8,
            _ => 16,
        };
        write!(answer, " \"{}\"", escape(&object[..length])).unwrap();
    }
    answer
}

fn answer_kstrto(function: &str, base: u32, text: &[u8]) -> String {
    use format::{kstrto_signed as signed, kstrto_unsigned as unsigned};
    let result = match function {
        "kstrtoull" | "kstrtoul" => unsigned::<u64>(text, base).map(i128::from),
        "kstrtouint" => unsigned::<u32>(text, base).map(i128::from),
        "kstrtou16" => unsigned::<u16>(text, base).map(i128::from),
        "kstrtou8" => unsigned::<u8>(text, base).map(i128::from),
        "kstrtoll" | "kstrtol" => signed::<i64>(text, base).map(i128::from),
        "kstrtoint" => signed::<i32>(text, base).map(i128::from),
        "kstrtos16" => signed::<i16>(text, base).map(i128::from),
        "kstrtos8" => signed::<i8>(text, base).map(i128::from),
        other => panic!("no such function: {other}"),
    };
    match result {
        Ok(value) => format!("0 {value}"),
        Err(error) => format!("-{} 7", error.errno()),
    }
}

/// Cases where we differ on purpose: the size letter `j` of C, which Linux does not know.
fn differs(line: &str) -> bool {
    line.starts_with("p \"a%jdb\"")
}

#[test]
fn answers_as_linux_does() {
    let mut record = RECORD.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(record.next().unwrap(), format!("cases {:016x}", hash(CASES)), "record is stale");
    let mut wrong = String::new();
    for line in cases() {
        let recorded = record.next().expect("an answer for each case");
        let ours = answer(line);
        if (ours != recorded) != differs(line) {
            writeln!(wrong, "{line}\n   linux {recorded}\n   ours  {ours}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert_eq!(record.next(), None);
}

/// Writes bytes as a C literal, in octal, which has an end that C agrees on.
fn c_literal(bytes: &[u8]) -> String {
    let mut literal = String::from("\"");
    for byte in bytes {
        write!(literal, "\\{byte:03o}").unwrap();
    }
    literal + "\""
}

fn c_object(token: &str, index: usize, objects: &mut String) -> String {
    let (kind, value) = token.split_once(':').unwrap();
    match kind {
        "i" => format!("(int)({value})"),
        "l" => format!("{value}L"),
        "a" => format!("(void *){value}UL"),
        "y" => format!("(void *)&{value}"),
        _ => {
            let literal = c_literal(&unquote(value));
            writeln!(objects, "\tstatic const char o{index}[96] __aligned(8) = {literal};")
                .unwrap();
            format!("o{index}")
        }
    }
}

fn c_case(line: &str) -> String {
    let tokens = tokens(line);
    let text = |index: usize| c_literal(&unquote(tokens[index]));
    let mut objects = String::new();
    let body = match tokens[0] {
        "p" => {
            let mut call = format!("\tanswer_text(print(buf, sizeof(buf), {}", text(1));
            for (index, token) in tokens[2..].iter().enumerate() {
                write!(call, ", {}", c_object(token, index, &mut objects)).unwrap();
            }
            call + "));\n"
        }
        "s" => {
            let mut call = format!("\tret = scan({}, {}", text(1), text(2));
            let mut show = String::new();
            for (index, kind) in tokens[3..].iter().enumerate() {
                write!(call, ", o + {}", index * 64).unwrap();
                writeln!(show, "\tshow(o + {}, '{kind}');", index * 64).unwrap();
            }
            format!(
                "\tmemset(o, 0x55, sizeof(o));\n{call});\n\tpr_err(\"V %d\", ret);\n{show}\tpr_cont(\"\\n\");\n"
            )
        }
        "k" => c_kstrto(tokens[1], tokens[2], &text(3)),
        "u" => format!(
            "\ts = {}; v = simple_strtoull(s, &e, {}); pr_err(\"V %llu %d\\n\", v, (int)(e - s));\n",
            text(2),
            tokens[1]
        ),
        "v" => format!(
            "\ts = {}; v = simple_strtoll(s, &e, {}); pr_err(\"V %lld %d\\n\", v, (int)(e - s));\n",
            text(2),
            tokens[1]
        ),
        "b" => format!(
            "\tbyte = 7; ret = kstrtobool({}, (bool *)&byte); pr_err(\"V %d %d\\n\", ret, byte);\n",
            text(1)
        ),
        _ => format!(
            "\ts = {}; v = memparse(s, &e); pr_err(\"V %llu %d\\n\", v, (int)(e - s));\n",
            text(1)
        ),
    };
    format!("\t{{\n{objects}{body}\t}}\n")
}

fn c_kstrto(function: &str, base: &str, text: &str) -> String {
    let (ty, conversion) = match function {
        "kstrtoull" => ("unsigned long long", "llu"),
        "kstrtoul" => ("unsigned long", "lu"),
        "kstrtouint" => ("unsigned int", "u"),
        "kstrtou16" => ("u16", "u"),
        "kstrtou8" => ("u8", "u"),
        "kstrtoll" => ("long long", "lld"),
        "kstrtol" => ("long", "ld"),
        "kstrtoint" => ("int", "d"),
        "kstrtos16" => ("s16", "d"),
        _ => ("s8", "d"),
    };
    format!(
        "\t{ty} r = 7; ret = {function}({text}, {base}, &r); pr_err(\"V %d %{conversion}\\n\", ret, r);\n"
    )
}

const C_HEAD: &str = r#"#include <linux/module.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/sched.h>
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
MODULE_LICENSE("GPL");
static char buf[1024], line[4096], o[64 * 8];
/* Not called by name: the compiler would work the length out by the rules of C. */
static int (*volatile print)(char *, size_t, const char *, ...) = snprintf;
static int (*volatile scan)(const char *, const char *, ...) = sscanf;
static char *escape(const char *from, int len)
{
	char *to = line;
	int i;

	for (i = 0; i < len; i++) {
		unsigned char c = from[i];

		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			to += sprintf(to, "\\x%02x", (int)c);
		else
			*to++ = c;
	}
	*to = 0;
	return line;
}
static void answer_text(int ret)
{
	pr_err("V %d \"%s\"\n", ret, escape(buf, strlen(buf)));
}
static void show(const char *object, char kind)
{
	int len = kind == 'c' ? 1 : kind == 'h' ? 2 : kind == 'i' ? 4 : kind == 'l' ? 8 : 16;

	pr_cont(" \"%s\"", escape(object, len));
}
"#;

/// Prints the module that records `linux-6.1.txt`: run it with the script `insmod vectors.ko`, keep what
/// follows `V ` on the console.
#[test]
#[ignore = "prints a C module for a real kernel; it tests nothing"]
fn print_the_module() {
    let mut module = String::from(C_HEAD);
    let mut calls = format!("\tpr_err(\"V cases {:016x}\\n\");\n", hash(CASES));
    for (index, line) in cases().enumerate() {
        let head = "int ret; unsigned long long v; const char *s; char *e; unsigned char byte;";
        writeln!(
            module,
            "static noinline void case_{index}(void)\n{{\n\t{head}\n\t(void)ret; (void)v; (void)s; (void)e; (void)byte;\n{}}}",
            c_case(line)
        )
        .unwrap();
        writeln!(calls, "\tcase_{index}();").unwrap();
    }
    write!(
        module,
        "static int __init start(void)\n{{\n{calls}\treturn 0;\n}}\nmodule_init(start);\n"
    )
    .unwrap();
    println!("{module}");
}
