//! Scripts, and the arguments of the commands that read them themselves.

use kthreads_shell::signal::{Kill, Pkill, Signal};
use kthreads_shell::{duration, syntax};

/// Takes the text of a script.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match syntax::parse(&text) {
        Ok(script) => drop(format!("{script:?}")),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            let _ = error.is_incomplete();
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let _ = (Kill::parse(&words), Pkill::parse(&words), duration::parse_sleep(&words));
    for word in words {
        let _ = (duration::parse(word), Signal::parse(word));
    }
}
