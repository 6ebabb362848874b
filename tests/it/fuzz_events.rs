//! The fuzzer of events (`fuzz/events.rs`) on some hundred sequences, always the same.

use crate::events::events;

/// Sequences of up to 600 random bytes.
fn sequence(seed: u64) -> Vec<u8> {
    // xorshift64*.
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    };
    let len = 1 + next() % 600;
    (0..len).map(|_| (next() >> 56) as u8).collect()
}

#[test]
fn random_events_give_the_tree_of_a_naive_recorder() {
    for seed in 1..=700 {
        let bytes = sequence(seed);
        let played = std::panic::catch_unwind(|| events(&bytes));
        if let Err(panic) = played {
            eprintln!("sequence {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
