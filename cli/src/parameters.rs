//! Parameters on the command line that no module has.
//!
//! Linux loads such a module and says so in its log; `insmod` in a script does the same. On the
//! command line it is a slip of the pen, and nothing runs.

use kthreads_loader::Object;
use kthreads_session::Prepared;

/// What Linux takes from any module's parameters.
const FOR_ALL: [&str; 2] = ["dyndbg", "async_probe"];

/// Looks for a parameter that its module does not have; says so.
pub(crate) fn check(modules: &[Prepared]) -> Result<(), String> {
    modules.iter().try_for_each(|module| {
        // What is wrong with the file is told when it is loaded.
        let Ok(object) = Object::parse(&module.object.bytes) else { return Ok(()) };
        let params = object.params();
        let known: Vec<&str> = params.iter().map(|param| param.name).collect();
        module.parameters.iter().try_for_each(|word| check_one(module, word, &known))
    })
}

fn check_one(module: &Prepared, word: &str, known: &[&str]) -> Result<(), String> {
    let word = word.trim_start_matches('"');
    let name = word.split_once('=').map_or(word, |(name, _)| name).replace('-', "_");
    let is_known = known.iter().chain(&FOR_ALL).any(|other| other.replace('-', "_") == name);
    if is_known || name.starts_with("dyndbg") {
        return Ok(());
    }
    let (path, module) = (&module.path, &module.object.name);
    let has = match known {
        [] => "it has none".to_owned(),
        known => format!("it has {}", known.join(", ")),
    };
    Err(format!("{path}: module {module} has no parameter '{name}': {has}"))
}
