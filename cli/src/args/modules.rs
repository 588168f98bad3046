//! Which parameters on the command line belong to which module.

use std::path::PathBuf;

use super::UsageError;

/// Is a module to load, with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModuleArgument {
    /// A source, an object file or a directory.
    pub(crate) path: PathBuf,
    /// Its parameters as they were written, each `name=value`; quotes in values are kept, as the
    /// kernel's parser takes them off.
    pub(crate) parameters: Vec<String>,
}

/// Groups words: a word `name=value` is a parameter of the path before it.
pub(super) fn group(words: Vec<String>) -> Result<Vec<ModuleArgument>, UsageError> {
    let mut modules: Vec<ModuleArgument> = Vec::new();
    for word in words {
        match (is_parameter(&word), modules.last_mut()) {
            (true, Some(module)) => module.parameters.push(word),
            (true, None) => return Err(UsageError::ParameterFirst(word)),
            (false, _) => {
                modules.push(ModuleArgument { path: PathBuf::from(word), parameters: Vec::new() });
            }
        }
    }
    Ok(modules)
}

/// Tells a parameter from a path that has a `=` in it: no parameter has a `/` in its name.
fn is_parameter(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| !name.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups words; returns each module with its parameters.
    fn grouped(words: &[&str]) -> Result<Vec<(String, Vec<String>)>, UsageError> {
        let modules = group(words.iter().map(|word| (*word).to_owned()).collect())?;
        let plain = |m: ModuleArgument| (m.path.to_string_lossy().into_owned(), m.parameters);
        Ok(modules.into_iter().map(plain).collect())
    }

    #[test]
    fn parameters_follow_their_module() {
        let modules = grouped(&["a.c", "x=1", "s=\"a b\"", "dir/", "b.ko", "y=", "z=p/q=r"]);
        let expected: [(&str, &[&str]); 3] =
            [("a.c", &["x=1", "s=\"a b\""]), ("dir/", &[]), ("b.ko", &["y=", "z=p/q=r"])];
        let owned = |(path, words): (&str, &[&str])| {
            (path.to_owned(), words.iter().map(|word| (*word).to_owned()).collect())
        };
        assert_eq!(modules, Ok(expected.map(owned).to_vec()));
        assert_eq!(grouped(&[]), Ok(Vec::new()));
    }

    #[test]
    fn a_parameter_without_a_module_is_named() {
        assert_eq!(grouped(&["x=1", "a.c"]), Err(UsageError::ParameterFirst("x=1".into())));
    }

    #[test]
    fn a_path_can_have_an_equals_sign_behind_a_slash() {
        assert_eq!(grouped(&["./x=1.c"]), Ok(vec![("./x=1.c".to_owned(), vec![])]));
    }
}
