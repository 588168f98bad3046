use super::*;

#[global_allocator]
static MEMORY: Memory = Memory;

fn inside<R>(arena: &Arena, body: impl FnOnce() -> R) -> R {
    // SAFETY: each test has an arena of its own and one thread.
    let _inside = unsafe { arena.enter() };
    body()
}

fn arena() -> Box<Arena> {
    crate::process::Process::prepare().expect("handlers of faults");
    Arena::new().expect("an arena")
}

#[test]
fn memory_goes_back_to_what_it_was() {
    let arena = arena();
    let mut kept = inside(&arena, || vec![7_u8; 100_000]);
    // SAFETY: nobody writes meanwhile.
    unsafe { arena.keep() };
    let mut addresses = Vec::new();
    for round in 0..3 {
        kept[round] = 1;
        kept[99_999 - 5000 * round] = 2;
        let new = inside(&arena, || vec![round as u8; 5000]);
        addresses.push(new.as_ptr());
        assert_eq!(arena.left(), Left::Something);
        inside(&arena, || drop(new));
        assert_eq!(arena.left(), Left::Nothing);
        // SAFETY: nobody uses it meanwhile.
        assert!(unsafe { arena.put_back(Left::Nothing) });
        assert!(kept.iter().all(|byte| *byte == 7));
    }
    assert!(addresses.iter().all(|address| *address == addresses[0]));
}

#[test]
fn what_is_left_stays_whole() {
    let arena = arena();
    let kept = inside(&arena, || Box::new(1));
    // SAFETY: nobody writes meanwhile.
    unsafe { arena.keep() };
    let stays = inside(&arena, || vec![9_u8; 70]);
    let left = arena.left();
    assert_eq!(left, Left::Something);
    // SAFETY: nobody uses it meanwhile.
    unsafe { arena.put_back(left) };
    let others: Vec<Vec<u8>> = inside(&arena, || (0..100).map(|_| vec![1; 70]).collect());
    assert!(stays.iter().all(|byte| *byte == 9), "{stays:?}");
    inside(&arena, || drop(others));
    // From outside: counted, and not used again.
    drop(stays);
    assert_eq!(arena.left(), Left::Nothing);
    drop(kept);
}

#[test]
fn who_is_outside_gets_other_memory() {
    let arena = arena();
    let (inner, outer) = inside(&arena, || (Box::new(1), outside(|| Box::new(2))));
    let is_inner = |number: &i32| arena_at(ptr::from_ref(number) as usize).is_some();
    assert!(is_inner(&inner) && !is_inner(&outer));
    // Freed in the arena, though it is not the arena's.
    inside(&arena, || drop(outer));
    inside(&arena, || drop(inner));
}

#[test]
fn blocks_are_aligned_and_used_again() {
    let arena = arena();
    inside(&arena, || {
        let mut blocks = Vec::new();
        for (len, align) in [(1, 1), (24, 8), (40, 64), (3000, 4096), (1025, 16), (5000, 8)] {
            let layout = Layout::from_size_align(len, align).expect("a layout");
            // SAFETY: no length is zero.
            let block = unsafe { Memory.alloc(layout) };
            assert!(!block.is_null() && (block as usize).is_multiple_of(align));
            // SAFETY: the block is so long.
            unsafe { block.write_bytes(0xee, len) };
            blocks.push((block, layout));
        }
        for (block, layout) in blocks {
            // SAFETY: allocated above with this layout.
            unsafe { Memory.dealloc(block, layout) };
            // SAFETY: no length is zero.
            assert_eq!(unsafe { Memory.alloc(layout) }, block);
        }
    });
}
