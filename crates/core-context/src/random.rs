//! Random bits for ids: unpredictable enough never to meet, not for secrets.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

thread_local! {
    static STATE: Cell<[u64; 4]> = Cell::new(seed());
}

/// 64 random bits: xoshiro256++ (Blackman and Vigna, 2019), seeded for each thread by the operating system.
///
/// A state of 256 bits, since ids of many processes and threads must not fall into the same sequence.
#[inline]
pub(crate) fn random() -> u64 {
    STATE
        .try_with(|state| {
            let mut s = state.get();
            let out = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
            let t = s[1] << 17;
            s[2] ^= s[0];
            s[3] ^= s[1];
            s[1] ^= s[2];
            s[0] ^= s[3];
            s[2] ^= t;
            s[3] = s[3].rotate_left(45);
            state.set(s);
            out
        })
        // A thread in its last breath: four fresh words instead of a sequence.
        .unwrap_or_else(|_| seed()[0])
}

/// Each word is hashed with keys of its own, which the standard library has from the operating system.
#[cold]
fn seed() -> [u64; 4] {
    let thread = std::thread::current().id();
    std::array::from_fn(|word| {
        RandomState::new().hash_one((thread, word, std::process::id())) | u64::from(word == 0)
    })
}
