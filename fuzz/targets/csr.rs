//! The reader of certificate requests: no panic; what it accepts is the same request again as PEM.
#![no_main]

use gangway_protocol::certificate::UncheckedCsr;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    match UncheckedCsr::from_der(input) {
        Ok(unchecked) => {
            let check = unchecked.signature_check();
            assert!(check.algorithm.fits(check.key.kind()));
            drop(check.ecdsa_p1363());
            let csr = unchecked.clone().conclude(true).expect("said to be good");
            assert_eq!(UncheckedCsr::from_pem(&csr.to_pem()), Ok(unchecked));
        }
        Err(refusal) => drop(refusal.to_string()),
    }
});
