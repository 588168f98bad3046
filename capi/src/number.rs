//! Text to numbers (Linux: linux/kstrtox.h).

use kthreads_kernel::format::{
    ParseError, kstrto_signed, kstrto_unsigned, kstrtobool as parse_bool,
    simple_strtoll as prefix_signed, simple_strtoull as prefix_unsigned,
};

use crate::object::{Out, Ptr, text};

/// Stores a number that could be read; 0 or a negative errno.
fn give<T>(result: Out<T>, parsed: Result<T, ParseError>) -> i32 {
    match parsed {
        Ok(value) => {
            result.set(value);
            0
        }
        Err(error) => -error.errno(),
    }
}

/// Tells where the number ends.
fn give_end(string: Ptr<u8>, end: Out<usize>, used: usize) {
    if !end.is_null() {
        end.set(string.address() + used);
    }
}

leaf! {
    fn kstrtoull(s: Ptr<u8>, base: u32, result: Out<u64>) -> i32 {
        give(result, kstrto_unsigned(text(s), base))
    }

    fn kstrtoll(s: Ptr<u8>, base: u32, result: Out<i64>) -> i32 {
        give(result, kstrto_signed(text(s), base))
    }

    fn kstrtouint(s: Ptr<u8>, base: u32, result: Out<u32>) -> i32 {
        give(result, kstrto_unsigned(text(s), base))
    }

    fn kstrtoint(s: Ptr<u8>, base: u32, result: Out<i32>) -> i32 {
        give(result, kstrto_signed(text(s), base))
    }

    fn kstrtou16(s: Ptr<u8>, base: u32, result: Out<u16>) -> i32 {
        give(result, kstrto_unsigned(text(s), base))
    }

    fn kstrtos16(s: Ptr<u8>, base: u32, result: Out<i16>) -> i32 {
        give(result, kstrto_signed(text(s), base))
    }

    fn kstrtou8(s: Ptr<u8>, base: u32, result: Out<u8>) -> i32 {
        give(result, kstrto_unsigned(text(s), base))
    }

    fn kstrtos8(s: Ptr<u8>, base: u32, result: Out<i8>) -> i32 {
        give(result, kstrto_signed(text(s), base))
    }

    fn kstrtobool(s: Ptr<u8>, result: Out<bool>) -> i32 {
        match s.option() {
            Some(_) => give(result, parse_bool(text(s))),
            None => give(result, Err(ParseError::Invalid)),
        }
    }

    fn simple_strtoull(s: Ptr<u8>, end: Out<usize>, base: u32) -> u64 {
        let number = prefix_unsigned(text(s), base);
        give_end(s, end, number.used);
        number.value
    }

    fn simple_strtoll(s: Ptr<u8>, end: Out<usize>, base: u32) -> i64 {
        let number = prefix_signed(text(s), base);
        give_end(s, end, number.used);
        number.value
    }
}

exports! {
    "kstrtoull" => kstrtoull, Any;
    "kstrtoll" => kstrtoll, Any;
    "kstrtouint" => kstrtouint, Any;
    "kstrtoint" => kstrtoint, Any;
    "kstrtou16" => kstrtou16, Any;
    "kstrtos16" => kstrtos16, Any;
    "kstrtou8" => kstrtou8, Any;
    "kstrtos8" => kstrtos8, Any;
    "kstrtobool" => kstrtobool, Any;
    "simple_strtoull" => simple_strtoull, Any;
    "simple_strtoll" => simple_strtoll, Any;
}
