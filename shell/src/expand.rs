//! From words to arguments: runs the substitutions and splits what they print.

use alloc::string::String;
use alloc::vec::Vec;

use crate::syntax::{Part, Quoting, Script, Word};

/// Expands words to the arguments of a command.
///
/// `run` runs the commands of a `$(...)` and returns what they printed. As in sh, newlines at the
/// end of that are dropped, and outside quotes the rest is split at blanks and newlines, so that
/// one word can become several arguments or none.
///
/// ```
/// use kthreads_shell::{expand::expand, syntax::parse};
///
/// let script = parse("kill -9 $(pids of mythread)")?;
/// let arguments = expand(&script.statements[0].command.words, &mut |_| {
///     Ok::<_, std::convert::Infallible>("17 18\n".into())
/// });
/// assert_eq!(arguments.unwrap(), ["kill", "-9", "17", "18"]);
/// # Ok::<(), kthreads_shell::syntax::SyntaxError>(())
/// ```
pub fn expand<E>(
    words: &[Word],
    run: &mut dyn FnMut(&Script) -> Result<String, E>,
) -> Result<Vec<String>, E> {
    let mut fields = Fields::default();
    for word in words {
        for part in &word.parts {
            match part {
                Part::Literal { text, .. } => fields.add(text),
                Part::Substitution { script, quoting } => {
                    let output = run(script)?;
                    let output = output.trim_end_matches('\n');
                    match quoting {
                        Quoting::Quoted => fields.add(output),
                        Quoting::Bare => fields.add_split(output),
                    }
                }
            }
        }
        fields.end();
    }
    Ok(fields.done)
}

/// Collects arguments; `current` is the one that the next text belongs to.
#[derive(Default)]
struct Fields {
    done: Vec<String>,
    current: Option<String>,
}

impl Fields {
    fn add(&mut self, text: &str) {
        self.current.get_or_insert_default().push_str(text);
    }

    fn add_split(&mut self, text: &str) {
        for (index, piece) in text.split([' ', '\t', '\n']).enumerate() {
            if index > 0 {
                self.end();
            }
            if !piece.is_empty() {
                self.add(piece);
            }
        }
    }

    fn end(&mut self) {
        self.done.extend(self.current.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;
    use alloc::string::ToString;
    use alloc::vec;

    fn expanded(text: &str, output: &str) -> Vec<String> {
        let script = parse(text).unwrap();
        let mut run = |_: &Script| Ok::<_, ()>(output.to_string());
        expand(&script.statements[0].command.words, &mut run).unwrap()
    }

    #[test]
    fn output_is_split_outside_quotes_only() {
        assert_eq!(expanded("echo $(x)", "a  b\nc\n\n"), ["echo", "a", "b", "c"]);
        assert_eq!(expanded("echo \"$(x)\"", "a  b\nc\n\n"), ["echo", "a  b\nc"]);
    }

    #[test]
    fn no_output_is_no_argument_unless_quoted() {
        assert_eq!(expanded("echo $(x)", "\n"), ["echo"]);
        assert_eq!(expanded("echo \"$(x)\" ''", "\n"), ["echo", "", ""]);
    }

    #[test]
    fn text_beside_a_substitution_joins_its_first_and_last_word() {
        assert_eq!(expanded("echo /proc/$(x)/stat", "2 3"), ["echo", "/proc/2", "3/stat"]);
        assert_eq!(expanded("echo a$(x)b", " 2 "), ["echo", "a", "2", "b"]);
        assert_eq!(expanded("echo a$(x)b", ""), ["echo", "ab"]);
    }

    #[test]
    fn a_failing_substitution_ends_the_expansion() {
        let script = parse("echo a $(x) b").unwrap();
        let mut run = |_: &Script| Err("no");
        assert_eq!(expand(&script.statements[0].command.words, &mut run), Err("no"));
        assert_eq!(expand(&[], &mut run), Ok(vec![]));
    }
}
