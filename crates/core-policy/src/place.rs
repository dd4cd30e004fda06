/// The golden ratio as a fraction of 2^64: its multiples, taken modulo one, are spread as evenly as can be from the first on, so
/// that of any few calls in a row about the right share is chosen.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// After 16 calls the multiples go on from somewhere else. Every 8th of them lies close to the one before, every 89th closer, every
/// 10 946th as good as on it: a caller who comes as regularly as that would be chosen hundreds of times on end, or never.
const EVEN_BITS: u32 = 4;

/// An odd number without a pattern in its bits: those of a product with it depend on all lower ones of the other number.
const MIX: u64 = 0xD6E8_FEB8_6659_FD93;

/// Where the call of this number stands among all, of 2^32: for choosing a share of them, as those below it are. `start` says where
/// the choice begins; from 0 it does so with the multiples of the golden ratio, the first of which is none at all.
#[doc(hidden)]
#[inline]
#[must_use]
pub fn place(start: u64, number: u64) -> u32 {
    let of_sixteen = (number >> EVEN_BITS ^ start).wrapping_mul(MIX);
    let from = (of_sixteen ^ of_sixteen >> 32).wrapping_mul(MIX);
    (number.wrapping_mul(GOLDEN).wrapping_add(from) >> 32) as u32
}
