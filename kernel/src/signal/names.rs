//! The names of signals on x86.

const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "POLL", "PWR", "SYS",
];

/// The name of a signal, without SIG; None for real-time signals and numbers that are none.
pub fn signal_name(signal: u32) -> Option<&'static str> {
    NAMES.get(signal.checked_sub(1)? as usize).copied()
}

/// The number of a signal given by number or by name, with or without SIG.
pub fn signal_number(text: &str) -> Option<u32> {
    if let Ok(number) = text.parse::<u32>() {
        return (number <= super::SIGNAL_MAX).then_some(number);
    }
    let name = text.strip_prefix("SIG").unwrap_or(text);
    let same = |known: &&str| known.eq_ignore_ascii_case(name);
    NAMES.iter().position(|known| same(&known)).map(|index| index as u32 + 1)
}
