//! Certificates of a CMS message without signatures, `certs-only` (RFC 7030 §4.1.3, RFC 5652 §5.1). Some servers write its outer
//! layers in BER with lengths that are not told beforehand (X.690 §8.1.3.6); certificates in it are DER, and come out byte by byte
//! as they are.

/// id-signedData, 1.2.840.113549.1.7.2, whole.
const SIGNED_DATA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const SEQUENCE: u8 = 0x30;
/// `[0]`, constructed.
const FIRST: u8 = 0xa0;
/// Layers of lengths that are not told beforehand: a message has four of its own.
const MAX_DEPTH: usize = 8;
/// Most certificates that are taken: a CA gives a handful.
const MAX_CERTIFICATES: usize = 32;

/// A value.
#[derive(Clone, Copy)]
struct Value<'a> {
    tag: u8,
    content: &'a [u8],
    /// With tag and length.
    whole: &'a [u8],
}

/// DER of the certificates, in the order in which they stand. `None` where it is no such message.
pub(super) fn certificates(message: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (info, rest) = first(message, MAX_DEPTH)?;
    if info.tag != SEQUENCE || !rest.is_empty() {
        return None;
    }
    let (kind, rest) = first(info.content, MAX_DEPTH)?;
    let (wrapper, rest) = first(rest, MAX_DEPTH).filter(|_| kind.whole == SIGNED_DATA)?;
    let (signed, inner_rest) = first(wrapper.content, MAX_DEPTH)?;
    if wrapper.tag != FIRST || signed.tag != SEQUENCE || !rest.is_empty() || !inner_rest.is_empty() {
        return None;
    }
    // version, digestAlgorithms, encapContentInfo; then certificates [0] IMPLICIT.
    let mut fields = values(signed.content).skip(3);
    let set = fields.next()?.filter(|set| set.tag == FIRST)?;
    values(set.content)
        .map(|value| {
            value
                .filter(|value| value.tag == SEQUENCE)
                .map(|value| value.whole.to_vec())
        })
        .take(MAX_CERTIFICATES + 1)
        .collect::<Option<Vec<_>>>()
        .filter(|found| !found.is_empty() && found.len() <= MAX_CERTIFICATES)
}

/// The values that stand one behind the other; what cannot be read ends them with `None`.
fn values(content: &[u8]) -> impl Iterator<Item = Option<Value<'_>>> {
    let mut rest = content;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some((value, after)) = first(rest, MAX_DEPTH) else {
            rest = &[];
            return Some(None);
        };
        rest = after;
        Some(Some(value))
    })
}

/// The first value, and what follows it.
fn first(bytes: &[u8], depth: usize) -> Option<(Value<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    // Nothing in such a message has a number of several octets.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&length, rest) = rest.split_first()?;
    let (content, after) = match length {
        0x80 if tag & 0x20 != 0 => open_ended(rest, depth.checked_sub(1)?)?,
        0x80 => return None,
        0..0x80 => rest.split_at_checked(usize::from(length))?,
        _ => {
            let (octets, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            if octets.len() > size_of::<u32>() {
                return None;
            }
            let length = octets
                .iter()
                .fold(0, |length, &octet| (length << 8) | u64::from(octet));
            rest.split_at_checked(usize::try_from(length).ok()?)?
        }
    };
    let whole = bytes.get(..bytes.len() - after.len())?;
    Some((Value { tag, content, whole }, after))
}

/// Content up to the two zeros that end it, and what follows them.
fn open_ended(bytes: &[u8], depth: usize) -> Option<(&[u8], &[u8])> {
    let mut rest = bytes;
    loop {
        if let Some(after) = rest.strip_prefix(&[0, 0]) {
            return Some((bytes.get(..bytes.len() - rest.len())?, after));
        }
        rest = first(rest, depth)?.1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let mut whole = vec![tag];
        match u8::try_from(length) {
            Ok(short) if short < 0x80 => whole.push(short),
            _ => {
                let octets = u32::try_from(length).expect("short enough").to_be_bytes();
                whole.push(0x84);
                whole.extend(octets);
            }
        }
        whole.extend(content);
        whole
    }

    fn open(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, 0x80], content, &[0, 0]].concat()
    }

    fn message(certificates: &[Vec<u8>], wrap: fn(u8, &[u8]) -> Vec<u8>) -> Vec<u8> {
        let data = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
        let signed = [
            der(0x02, &[1]),
            der(0x31, &[]),
            wrap(SEQUENCE, &data),
            wrap(FIRST, &certificates.concat()),
            der(0x31, &[]),
        ]
        .concat();
        wrap(
            SEQUENCE,
            &[&SIGNED_DATA[..], &wrap(FIRST, &wrap(SEQUENCE, &signed))].concat(),
        )
    }

    #[test]
    fn certificates_come_out_as_they_stand_whichever_way_lengths_are_told() {
        let two = [der(SEQUENCE, &[1; 200]), der(SEQUENCE, &[2, 0, 0])];
        for wrap in [der, open] {
            assert_eq!(certificates(&message(&two, wrap)).expect("a message"), two);
        }
    }

    #[test]
    fn what_is_no_message_of_certificates_is_none() {
        let one = [der(SEQUENCE, &[1])];
        let good = message(&one, der);
        for bad in [
            Vec::new(),
            message(&[], der),
            message(&[der(0xa1, &[1])], der),
            [good.clone(), vec![0]].concat(),
            good[..good.len() - 1].to_vec(),
            good.iter()
                .map(|&byte| if byte == 0x02 { 0x03 } else { byte })
                .collect(),
            [0x30, 0x80].repeat(10_000),
        ] {
            assert_eq!(certificates(&bad), None, "{:?}", bad.get(..20));
        }
    }

    proptest! {
        #[test]
        fn nothing_that_comes_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = certificates(&bytes);
        }

        #[test]
        fn a_message_that_was_changed_breaks_nothing(at in 0_usize..60, to in any::<u8>(), is_open in any::<bool>()) {
            let mut bytes = message(&[der(SEQUENCE, &[7; 20])], if is_open { open } else { der });
            if let Some(byte) = bytes.get_mut(at) {
                *byte = to;
            }
            let _ = certificates(&bytes);
        }
    }
}
