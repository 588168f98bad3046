//! The `.modinfo` section: NUL-separated `key=value` strings.

use alloc::string::String;
use alloc::vec::Vec;

/// Holds what a module says about itself (`MODULE_LICENSE` and its like).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModInfo {
    entries: Vec<(String, String)>,
}

/// Describes one parameter of a module, as `.modinfo` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModParam<'a> {
    /// The name, as given on the command line.
    pub name: &'a str,
    /// The type, such as `int` or `array of charp`.
    pub type_name: Option<&'a str>,
    /// What `MODULE_PARM_DESC` says.
    pub description: Option<&'a str>,
}

impl ModInfo {
    /// Adds the strings of one section; bytes that are no UTF-8 become replacement characters,
    /// since old modules spell their authors in other encodings.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        let strings = bytes.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        let pairs = strings.filter_map(|text| {
            text.split_once('=').map(|(key, value)| (String::from(key), String::from(value)))
        });
        self.entries.extend(pairs);
    }

    /// Iterates over all (key, value) pairs in file order; keys can repeat.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Finds the first value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(k, _)| *k == key).map(|(_, value)| value)
    }

    /// Lists the parameters, in the order in which the file first names them.
    pub fn params(&self) -> Vec<ModParam<'_>> {
        let mut params: Vec<ModParam<'_>> = Vec::new();
        for (key, value) in self.iter().filter(|(key, _)| matches!(*key, "parm" | "parmtype")) {
            let (name, text) = value.split_once(':').unwrap_or((value, ""));
            let index = params.iter().position(|p| p.name == name).unwrap_or_else(|| {
                params.push(ModParam { name, type_name: None, description: None });
                params.len() - 1
            });
            match key {
                "parm" => params[index].description = Some(text),
                _ => params[index].type_name = Some(text),
            }
        }
        params
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_and_params_do_not_depend_on_order() {
        let mut info = ModInfo::default();
        info.add(b"parmtype=n:int\0license=GPL v2\0\0author=J\xf6rg\0noise\0parm=n:how: many\0");
        info.add(b"parm=m:other\0license=second");
        assert_eq!(info.get("license"), Some("GPL v2"));
        assert_eq!(info.get("author"), Some("J\u{fffd}rg"));
        assert_eq!(info.get("noise"), None);
        let params = info.params();
        assert_eq!(params.len(), 2);
        assert_eq!(
            params[0],
            ModParam { name: "n", type_name: Some("int"), description: Some("how: many") }
        );
        assert_eq!(params[1].type_name, None);
    }
}
