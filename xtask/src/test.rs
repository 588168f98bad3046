//! `cargo xtask test`: names or installs what is missing, then runs every test.

use crate::tools::{self, cargo, step};

/// Runs the whole test suite.
pub(crate) fn run(words: &[String]) -> Result<(), String> {
    tools::compiler()?;
    step("the tests", cargo().args(["test", "--workspace", "--all-targets"]).args(words))?;
    if words.is_empty() {
        step("the documentation's examples", cargo().args(["test", "--workspace", "--doc"]))?;
    }
    println!("xtask: the C cases, compared with what real Linux answered");
    crate::ask_linux::ours::run(&[])?;
    crate::ask_linux::ours::run(&["--machine".to_owned(), "sim".to_owned()])?;
    crate::soak::test()?;
    crate::pc::test()?;
    crate::bugs::test_pc()?;
    crate::count::run()
}
