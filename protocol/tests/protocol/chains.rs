//! Chains of certificates, read from PEM and written as it.

use gangway_protocol::certificate::{PemError, join_chain, split_chain};
use proptest::prelude::*;

#[test]
fn chains_are_split_and_joined() {
    let leaf = rcgen::generate_simple_self_signed(vec!["leaf".to_owned()])
        .expect("a certificate")
        .cert;
    let root = rcgen::generate_simple_self_signed(vec!["root".to_owned()])
        .expect("a certificate")
        .cert;
    let text = format!("{}\n{}", leaf.pem(), root.pem());
    let chain = split_chain(&text).expect("two certificates");
    assert_eq!(chain, [leaf.der().to_vec(), root.der().to_vec()]);
    let joined = join_chain(&chain);
    assert_eq!(
        joined,
        format!("{}{}", leaf.pem(), root.pem()).replace("\r\n", "\n")
    );
    assert!(matches!(
        split_chain(&joined.repeat(6)),
        Err(PemError::TooMany { max: 10 })
    ));
    assert!(matches!(
        split_chain(include_str!("../../vectors/csr/p256.pem")),
        Err(PemError::Label { .. })
    ));
    assert!(matches!(split_chain(" \n"), Err(PemError::Empty { .. })));
    assert!(matches!(
        split_chain(&"A".repeat(40_000)),
        Err(PemError::TooLarge { .. })
    ));
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,300}") {
        drop(split_chain(&text));
    }

    #[test]
    fn any_chain_survives_the_way_there_and_back(chain in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..300), 1..10)) {
        prop_assert_eq!(split_chain(&join_chain(&chain)), Ok(chain));
    }
}
