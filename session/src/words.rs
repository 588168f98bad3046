//! Words on the command line of a kernel: white space keeps them apart, and a backslash takes
//! away what the character behind it would mean.

use alloc::string::String;
use alloc::vec::Vec;

/// Writes words so that [`split`] finds them again.
pub fn join<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for word in words {
        if !text.is_empty() {
            text.push(' ');
        }
        for char in word.chars() {
            if char == '\\' || char.is_ascii_whitespace() {
                text.push('\\');
            }
            text.push(char);
        }
    }
    text
}

/// Finds the words of a text.
pub fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => word.extend(chars.next()),
            char if char.is_ascii_whitespace() => {
                if !word.is_empty() {
                    words.push(core::mem::take(&mut word));
                }
            }
            char => word.push(char),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_they_were() {
        let words = ["a.ko", "s=\"two  words\"", "back\\slash", "new\nline", "--", "ü"];
        assert_eq!(split(&join(words)), words);
        assert_eq!(split("  one\t two\\ x  "), ["one", "two x"]);
        assert_eq!(split(""), [""; 0]);
    }
}
