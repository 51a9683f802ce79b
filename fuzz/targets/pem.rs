//! The readers of PEM: no panic; a chain that the wire's reader takes is written so that it reads the same again.
#![no_main]

use gangway_protocol::certificate::{UncheckedCsr, file, join_chain, split_chain};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    drop(file::certificates(input.as_bytes()));
    drop(file::private_key(input.as_bytes()));
    if let Ok(chain) = split_chain(input) {
        // Our own writing can be longer than the input, which may have put everything on one line.
        let joined = join_chain(&chain);
        assert!(split_chain(&joined).is_ok_and(|again| again == chain) || joined.len() > input.len());
    }
    drop(UncheckedCsr::from_pem(input));
});
