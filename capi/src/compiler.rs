//! What compilers call for arithmetic that the processor lacks. No header declares these.

export! {
    fn divti3(_cx, a: i128, b: i128) -> i128 {
        check(b != 0);
        a.wrapping_div(b)
    }

    fn modti3(_cx, a: i128, b: i128) -> i128 {
        check(b != 0);
        a.wrapping_rem(b)
    }

    fn udivti3(_cx, a: u128, b: u128) -> u128 {
        check(b != 0);
        a.wrapping_div(b)
    }

    fn umodti3(_cx, a: u128, b: u128) -> u128 {
        check(b != 0);
        a.wrapping_rem(b)
    }
}

/// A division by zero is an oops of the thread.
fn check(divisible: bool) {
    assert!(divisible, "divide error");
}

leaf! {
    fn popcountdi2(a: u64) -> i32 {
        a.count_ones() as i32
    }
}

exports! {
    "__divti3" => divti3, Local;
    "__modti3" => modti3, Local;
    "__udivti3" => udivti3, Local;
    "__umodti3" => umodti3, Local;
    "__popcountdi2" => popcountdi2, Local;
}
