//! RSA moduli that can be factored by looking at them.
//!
//! Checked: ROCA, and factors below 1000. Not checked: the 2008 keys of Debian's OpenSSL (CVE-2008-0166). They cannot
//! be told by arithmetic, only by a list of all 300,000 of them, which is too large for a browser; see
//! `docs/protocol.md`, "Keys that are refused".

use super::key::KeyRefusal;

/// The primes by which the ROCA fingerprint is taken: Nemec, Sys, Svenda, Klinec, Matyas, “The Return of Coppersmith's
/// Attack” (CCS 2017) §2.3; a random modulus passes for marked with probability 2⁻²⁷.
const ROCA_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];
/// The generator by which the flawed library draws its primes.
const ROCA_GENERATOR: u32 = 65537;

/// Refuses a big-endian modulus that is even, has a small factor, or carries the mark of ROCA.
pub(super) fn check_modulus(modulus: &[u8]) -> Result<(), KeyRefusal> {
    if (2..1000).any(|divisor| remainder(modulus, divisor) == 0) {
        return Err(KeyRefusal::Broken {
            why: "its modulus has a small factor",
        });
    }
    if ROCA_PRIMES
        .iter()
        .all(|&prime| is_power(remainder(modulus, prime), prime))
    {
        return Err(KeyRefusal::Roca);
    }
    Ok(())
}

/// Whether `residue` is a power of the generator modulo `prime`: primes of the flawed library are, so moduli are too.
fn is_power(residue: u32, prime: u32) -> bool {
    let mut power = 1;
    loop {
        if power == residue {
            return true;
        }
        power = power * (ROCA_GENERATOR % prime) % prime;
        if power == 1 {
            return false;
        }
    }
}

/// `divisor` is below 2²³, so nothing overflows.
fn remainder(big_endian: &[u8], divisor: u32) -> u32 {
    big_endian
        .iter()
        .fold(0, |rest, &byte| ((rest << 8) | u32::from(byte)) % divisor)
}
