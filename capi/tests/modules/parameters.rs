//! Parameters of all types, set at load and by files.

use kthreads_capi::module::InsmodError;
use kthreads_kernel::Errno;

use crate::common::Rig;

const MODULE: &str = "all_params";

fn loaded(arguments: &str) -> Rig {
    let rig = Rig::new(1);
    rig.insmod(MODULE, arguments).unwrap();
    rig
}

fn get(rig: &Rig, name: &str) -> String {
    rig.parameter(MODULE, name).unwrap()
}

#[test]
fn values_are_what_the_module_says_unless_given() {
    let rig = loaded("");
    rig.expect("1 2 3 4 5 6 7 8 1f");
    rig.expect("0 0 0 constant short");
    rig.expect("0: 1 2 3 4");
    assert_eq!(get(&rig, "numbers"), "");
    assert_eq!(get(&rig, "words"), "(null),(null),(null)\n");
    assert_eq!(get(&rig, "a_charp"), "constant\n");
    assert_eq!(get(&rig, "no_charp"), "(null)\n");
    assert_eq!(get(&rig, "an_invbool"), "Y\n");
    rig.rmmod(MODULE).unwrap();
    rig.expect("exit constant");
}

#[test]
fn every_type_is_read_and_shown_as_linux_does() {
    let rig = loaded(
        "a_byte=0xff a_short=-32768 a_ushort=65535 an-int=-012 a_uint=4294967295 \
         a_long=-9223372036854775808 a_ulong=18446744073709551615 a_ullong=+7 a_hexint=10 \
         a_bool an_invbool=on a_bint=y a_charp=\"two words\" a_string=seven77 numbers=7,-8,0x9 \
         words=a,,ccc flags=y,n custom=5",
    );
    rig.expect("255 -32768 65535 -10 4294967295 -9223372036854775808 18446744073709551615 7 a");
    rig.expect("1 0 1 two words seven77");
    rig.expect("3: 7 -8 9 4");
    rig.expect("custom custom of all_params is 5");
    for (name, value) in [
        ("a_byte", "255\n"),
        ("a_short", "-32768\n"),
        ("a_ushort", "65535\n"),
        ("an_int", "-10\n"),
        ("a_uint", "4294967295\n"),
        ("a_long", "-9223372036854775808\n"),
        ("a_ulong", "18446744073709551615\n"),
        ("a_ullong", "7\n"),
        ("a_hexint", "0x00000a\n"),
        ("a_bool", "Y\n"),
        ("an_invbool", "Y\n"),
        ("a_bint", "1\n"),
        ("a_charp", "two words\n"),
        ("a_string", "seven77\n"),
        ("numbers", "7,-8,9\n"),
        ("words", "a,,ccc\n"),
        ("flags", "Y,N\n"),
        ("custom", "<5>\n"),
    ] {
        assert_eq!(get(&rig, name), value, "{name}");
    }
    rig.rmmod(MODULE).unwrap();
    rig.expect("exit two words");
}

#[test]
fn files_change_values() {
    let rig = loaded("a_charp=old");
    rig.set(MODULE, "a_charp", "new\n").unwrap();
    assert_eq!(get(&rig, "a_charp"), "new\n\n", "Linux keeps the newline too");
    rig.set(MODULE, "an_int", "77\n").unwrap();
    assert_eq!(rig.set(MODULE, "an_int", "nonsense\n"), Err(Errno::EINVAL));
    assert_eq!(get(&rig, "an_int"), "77\n");
    assert_eq!(rig.set(MODULE, "numbers", "1,2,3,4,5"), Err(Errno::EINVAL));
    rig.expect("numbers: can only take 4 arguments");
    assert_eq!(rig.set(MODULE, "a_string", "eight888"), Err(Errno::ENOSPC));
    rig.expect("a_string: string doesn't fit in 7 chars.");
    assert_eq!(rig.set(MODULE, "a_charp", &"x".repeat(1025)), Err(Errno::ENOSPC));
    rig.expect("a_charp: string parameter too long");
    assert_eq!(rig.set(MODULE, "custom", "13"), Err(Errno::ERANGE));
    assert_eq!(rig.parameter(MODULE, "write_only"), Err(Errno::EPERM));
    rig.set(MODULE, "write_only", "3").unwrap();
    rig.set(MODULE, "risky", "1").unwrap();
    rig.expect("Setting dangerous option risky - tainting kernel");
}

#[test]
fn a_bad_value_is_an_error_and_unloads() {
    for (argument, errno, message) in [
        ("an_int=x", Errno::EINVAL, "all_params: `x' invalid for parameter `an_int'"),
        ("an_int", Errno::EINVAL, "all_params: `' invalid for parameter `an_int'"),
        ("an_invbool", Errno::EINVAL, "all_params: `' invalid for parameter `an_invbool'"),
        ("a_byte=256", Errno::ERANGE, "all_params: `256' invalid for parameter `a_byte'"),
        ("a_short=32768", Errno::ERANGE, "all_params: `32768' invalid for parameter `a_short'"),
        ("a_uint=-1", Errno::EINVAL, "all_params: `-1' invalid for parameter `a_uint'"),
        ("a_bool=maybe", Errno::EINVAL, "all_params: `maybe' invalid for parameter `a_bool'"),
        (
            "a_string=12345678",
            Errno::ENOSPC,
            "all_params: `12345678' too large for parameter `a_string'",
        ),
        ("words=a,b,c,d", Errno::EINVAL, "all_params: `a,b,c,d' invalid for parameter `words'"),
    ] {
        let rig = Rig::new(1);
        let error = rig.insmod(MODULE, &format!("a_charp=kept {argument}")).unwrap_err();
        assert!(matches!(error, InsmodError::Parameter { .. }), "{error}");
        assert_eq!(error.errno(), errno, "{argument}");
        rig.expect(message);
        assert!(rig.kernel.enter(|cx| cx.kernel.modules().is_empty()));
        rig.insmod(MODULE, "").unwrap();
    }
}

#[test]
fn unknown_parameters_are_ignored_with_a_warning() {
    let rig = loaded("nonsense=1 hiden=3 async_probe dyndbg=+p -- rest=1 more");
    rig.expect("all_params: unknown parameter 'nonsense' ignored");
    rig.expect("all_params: unknown parameter 'hiden' ignored");
    rig.expect("kthreads: all_params: did you mean parameter 'hidden'?");
    rig.expect("all_params: parameters 'rest=1 more' after `--' ignored");
    rig.expect_no("async_probe");
}

#[test]
fn parameters_are_gone_with_their_module() {
    let rig = loaded("");
    rig.kernel.enter(|cx| {
        let module = cx.kernel.find_module(MODULE).unwrap();
        let parameters = module.parameters();
        assert_eq!(parameters.iter().find(|p| p.name() == "hidden").unwrap().permissions(), 0);
        rig.loader.rmmod(cx, MODULE).unwrap();
        assert_eq!(parameters[0].get(), Err(Errno::ENODEV));
        assert_eq!(parameters[0].set("1"), Err(Errno::ENODEV));
        assert!(module.parameters().is_empty());
    });
}
