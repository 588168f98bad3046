//! Whose memory is whose when modules go.

use crate::common::Rig;

#[test]
fn memory_that_another_module_keeps_is_not_left_behind() {
    let rig = Rig::new(2);
    rig.insmod("keeper", "").unwrap();
    rig.insmod("giver", "").unwrap();
    rig.rmmod("giver").unwrap();
    rig.expect_no("bytes of memory behind");
    rig.expect_part("kthreads: module giver leaves a wait queue entry behind: listener (0x");
    // The entry is taken out: its memory is gone when the queue is woken.
    rig.rmmod("keeper").unwrap();
    rig.expect_no("listened");
    rig.expect_no("Oops");
    rig.expect_no("bytes of memory behind");
}
