//! The reader of user codes: no panic; what it reads is a code, and reads back as the same.
#![no_main]

use gangway_protocol::code::{ALPHABET, UserCode, normalise};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    if let Ok(symbols) = normalise(input) {
        assert!(symbols.bytes().all(|byte| ALPHABET.contains(&byte)));
        assert_eq!(normalise(&symbols).as_ref(), Ok(&symbols));
    }
    match UserCode::read(input) {
        Ok(code) => {
            assert_eq!(UserCode::read(&code.display()).as_ref(), Ok(&code));
            assert_eq!(UserCode::read(&code.fragment()).as_ref(), Ok(&code));
            assert!(code.nameplate().to_string().parse() == Ok(code.nameplate()));
        }
        Err(error) => drop(error.to_string()),
    }
});
