//! What was chosen in a schedule, and how it is written.

use std::fmt;

/// What was chosen: the decisions at which it was not the usual, ascending, each with the number
/// of what was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    list: Vec<(u32, u32)>,
}

/// Why a text is no choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Garbled;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Choices {
    /// Nothing but the usual.
    pub fn none() -> Choices {
        Choices::default()
    }

    /// Notes that number `number` was chosen at `decision`, which comes after all before.
    pub fn push(&mut self, decision: u32, number: u32) {
        if number != 0 {
            self.list.push((decision, number));
        }
    }

    /// The decisions and numbers.
    pub fn list(&self) -> &[(u32, u32)] {
        &self.list
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.list.clear();
    }

    /// Reads what `Display` wrote.
    ///
    /// # Errors
    ///
    /// When it did not.
    pub fn parse(text: &str) -> Result<Choices, Garbled> {
        let digits = text.bytes().map(|byte| {
            DIGITS.iter().position(|digit| *digit == byte).map(|at| at as u64).ok_or(Garbled)
        });
        let mut digits = digits.peekable();
        let mut choices = Choices::default();
        let mut decision: u64 = 0;
        while digits.peek().is_some() {
            let gap = read_number(&mut digits)?;
            let number = read_number(&mut digits)?;
            decision += gap;
            let narrow = |wide: u64| u32::try_from(wide).map_err(|_| Garbled);
            choices.list.push((narrow(decision)?, narrow(number)?));
            decision += 1;
        }
        Ok(choices)
    }
}

/// Reads a number of five bits a digit, the lowest first; the sixth says that more follow.
fn read_number(digits: &mut impl Iterator<Item = Result<u64, Garbled>>) -> Result<u64, Garbled> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let digit = digits.next().ok_or(Garbled)??;
        number |= (digit & 31) << shift;
        if digit & 32 == 0 {
            return Ok(number);
        }
        shift += 5;
        if shift > 35 {
            return Err(Garbled);
        }
    }
}

fn write_number(f: &mut fmt::Formatter<'_>, mut number: u64) -> fmt::Result {
    loop {
        let more = if number >= 32 { 32 } else { 0 };
        let digit = DIGITS[(number & 31 | more) as usize];
        write!(f, "{}", char::from(digit))?;
        number >>= 5;
        if more == 0 {
            return Ok(());
        }
    }
}

impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut next = 0;
        for (decision, number) in &self.list {
            write_number(f, u64::from(*decision) - next)?;
            write_number(f, u64::from(*number))?;
            next = u64::from(*decision) + 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut choices = Choices::none();
        assert_eq!(choices.to_string(), "");
        for (decision, number) in [(0, 1), (1, 64), (40, 2), (100_000, 1), (4_000_000_000, 7)] {
            choices.push(decision, number);
        }
        assert_eq!(Choices::parse(&choices.to_string()), Ok(choices));
        assert_eq!(Choices::parse("!"), Err(Garbled));
        assert_eq!(Choices::parse("g"), Err(Garbled));
    }
}
