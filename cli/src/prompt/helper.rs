//! What the line editor asks: is the line complete, and how could it go on.

use std::rc::Rc;

use kthreads_session::{Place, place};
use kthreads_shell::syntax;
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper as HelperTrait, Highlighter, Hinter};

use super::Kernel;

/// Answers the line editor.
#[derive(Highlighter, Hinter)]
pub(super) struct Helper {
    kernel: Rc<dyn Kernel>,
    files: FilenameCompleter,
}

impl HelperTrait for Helper {}

impl Helper {
    /// Answers for a kernel.
    pub(super) fn new(kernel: Rc<dyn Kernel>) -> Helper {
        Helper { kernel, files: FilenameCompleter::new() }
    }
}

impl Completer for Helper {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let Place { start, word, command } = place(&line[..position]);
        let names = self.kernel.candidates(command, word);
        if command == "insmod" && names.is_empty() {
            return self.files.complete(line, position, context);
        }
        let pair = |name: String| Pair { display: name.clone(), replacement: name };
        Ok((start, names.into_iter().map(pair).collect()))
    }
}

impl Validator for Helper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let is_incomplete =
            syntax::parse(context.input()).is_err_and(|error| error.is_incomplete());
        Ok(if is_incomplete { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}
