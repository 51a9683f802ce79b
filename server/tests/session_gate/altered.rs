//! Certificates whose bytes were changed where no signature covers them: other digests, and therefore other certificates,
//! with a signature that still verifies. None of them is let in, and none is held.

use gangway_protocol::certificate::{join_chain, split_chain};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::DeviceId;
use gangway_protocol::organisation::Role;
use gangway_server::ca::DeviceIdentity;
use gangway_server::session::{Admission, GateError};

use crate::support::device::SoftDevice;
use crate::support::{START, Server, both_engines};

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
/// id-ce-subjectAltName (RFC 5280 §4.2.1.6) as an OBJECT IDENTIFIER.
const ALTERNATIVE_NAMES: [u8; 5] = [0x06, 0x03, 0x55, 0x1d, 0x11];
/// The order of P-256's group (FIPS 186-5; SEC 2 §2.4.2).
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

/// One element of DER.
#[derive(Clone, Debug, PartialEq)]
enum Element {
    /// Tag and content.
    Plain(u8, Vec<u8>),
    /// Tag and elements.
    Of(u8, Vec<Element>),
}

impl Element {
    fn read(bytes: &mut &[u8]) -> Self {
        let [tag, first, rest @ ..] = *bytes else {
            panic!("the end of an element")
        };
        let (len, rest) = match usize::from(*first) {
            short @ 0..0x80 => (short, rest),
            long => {
                let (len, rest) = rest.split_at(long - 0x80);
                (
                    len.iter().fold(0, |len, byte| (len << 8) | usize::from(*byte)),
                    rest,
                )
            }
        };
        let (mut content, rest) = rest.split_at(len);
        *bytes = rest;
        if tag & 0x20 == 0 {
            return Self::Plain(*tag, content.to_vec());
        }
        let mut elements = Vec::new();
        while !content.is_empty() {
            elements.push(Self::read(&mut content));
        }
        Self::Of(*tag, elements)
    }

    fn write(&self) -> Vec<u8> {
        let (tag, content) = match self {
            Self::Plain(tag, content) => (*tag, content.clone()),
            Self::Of(tag, elements) => (*tag, elements.iter().flat_map(Self::write).collect()),
        };
        let len = u16::try_from(content.len()).expect("it is short").to_be_bytes();
        let head = match len {
            [0, short @ 0..0x80] => vec![tag, short],
            [0, long] => vec![tag, 0x81, long],
            [high, low] => vec![tag, 0x82, high, low],
        };
        [head, content].concat()
    }

    fn elements(&mut self) -> &mut Vec<Self> {
        match self {
            Self::Of(_, elements) => elements,
            Self::Plain(..) => panic!("an element of elements"),
        }
    }

    /// The extension of this kind, wherever it is.
    fn extension(&mut self, kind: &[u8]) -> Option<&mut Vec<Self>> {
        let Self::Of(_, elements) = self else { return None };
        if elements.first().is_some_and(|first| first.write() == kind) {
            return Some(elements);
        }
        elements.iter_mut().find_map(|element| element.extension(kind))
    }
}

/// The chain with its leaf changed.
fn altered(chain: &str, change: impl FnOnce(&mut Element)) -> String {
    let blocks = split_chain(chain).expect("PEM");
    let mut leaf = Element::read(&mut blocks[0].as_slice());
    assert_eq!(leaf.write(), blocks[0], "DER is read and written as it is");
    change(&mut leaf);
    let written = leaf.write();
    assert_ne!(written, blocks[0], "something was changed");
    join_chain([written])
}

/// (r, n − s) instead of (r, s): it verifies as well.
fn twin(certificate: &mut Element) {
    let Some(Element::Plain(BIT_STRING, bits)) = certificate.elements().last_mut() else {
        panic!("a signature")
    };
    let mut signature = Element::read(&mut &bits[1..]);
    let Some(Element::Plain(_, s)) = signature.elements().last_mut() else {
        panic!("s")
    };
    let order = data_encoding::HEXLOWER.decode(ORDER.as_bytes()).expect("hex");
    let mut padded = vec![0; 32];
    let digits = s.strip_prefix(&[0]).unwrap_or(s);
    padded[32 - digits.len()..].copy_from_slice(digits);
    let mut borrow = 0_i16;
    for place in (0..32).rev() {
        let difference = i16::from(order[place]) - i16::from(padded[place]) - borrow;
        borrow = i16::from(difference < 0);
        padded[place] = u8::try_from(difference.rem_euclid(256)).expect("a digit");
    }
    let first = padded.iter().position(|digit| *digit != 0).expect("not nought");
    *s = padded.split_off(first);
    if s[0] & 0x80 != 0 {
        s.insert(0, 0);
    }
    *bits = [&[0][..], &signature.write()].concat();
}

/// A lost certificate whose signature ends in a bit that can be called unused.
fn lost(server: &Server, identity: &DeviceIdentity, device: &SoftDevice) -> String {
    loop {
        let (_, chain) = server.certify(identity, &device.csr(), 90);
        let blocks = split_chain(&chain.chain).expect("PEM");
        if blocks[0].last().is_some_and(|last| last & 1 == 0) {
            return chain.chain;
        }
    }
}

async fn code(server: &Server, device: &SoftDevice, chain: &str) -> ProblemCode {
    match device.admission(server, chain).await {
        Err(GateError::Refused(problem)) => problem.code,
        other => panic!("a refusal, not {other:?}"),
    }
}

both_engines!(
    /// Threat model: SES-2.
    async fn what_its_issuer_did_not_write_is_not_held(server: Server) {
        let home = server.organisation("Works").await;
        let device = SoftDevice::new();
        let identity = DeviceIdentity {
            organisation: home,
            device: DeviceId::new(START, server.gangway.random.for_id()),
            known_as: None,
        };
        let chain = lost(&server, &identity, &device);
        assert!(
            matches!(device.admission(&server, &chain).await, Ok(Admission::Held(_))),
            "as it was written, it is"
        );

        let with_unused_bit = altered(&chain, |certificate| {
            let Some(Element::Plain(BIT_STRING, bits)) = certificate.elements().last_mut() else {
                panic!("a signature")
            };
            bits[0] = 1;
        });
        let with_parameters_outside = altered(&chain, |certificate| {
            certificate.elements()[1]
                .elements()
                .push(Element::Plain(0x05, Vec::new()));
        });
        let with_default_spelt_out = altered(&chain, |certificate| {
            let extension = certificate
                .extension(&ALTERNATIVE_NAMES)
                .expect("it has alternative names");
            extension.insert(1, Element::Plain(0x01, vec![0]));
        });
        let with_more_behind = altered(&chain, |certificate| {
            certificate.elements().push(Element::Of(SEQUENCE, Vec::new()));
        });
        for changed in [
            with_unused_bit,
            with_parameters_outside,
            with_default_spelt_out,
            with_more_behind,
        ] {
            assert_eq!(code(&server, &device, &changed).await, ProblemCode::Malformed);
        }
    }
);

both_engines!(
    /// Threat model: SES-2.
    async fn the_twin_of_a_recorded_certificate_is_nobodys(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (device, certificate) = SoftDevice::enrolled(&server, &ada).await;
        device.pass(&server, &certificate.chain).await.expect("admitted");
        let twin = altered(&certificate.chain, twin);
        assert_eq!(
            code(&server, &device, &twin).await,
            ProblemCode::CertificateUnknown
        );
    }
);
