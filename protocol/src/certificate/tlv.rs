//! DER values of any tag (X.690 §8.1, §10.1), unread. The `der` crate reads the types that it knows, and takes a value
//! with the tag of another (UniversalString, for one) for damage.

/// A value with its tag and its length.
#[derive(Clone, Copy)]
pub(super) struct Tlv<'a> {
    /// The first identifier octet: class, form, and the number where it is below 31.
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// Tag, length and content.
    pub(super) whole: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// The first value of `bytes`, and what follows it. `None` where there is none, or it is cut off, or its length is
    /// not written as DER does.
    pub(super) fn first(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&tag, mut rest) = bytes.split_first()?;
        if tag & 0x1f == 0x1f {
            // X.690 §8.1.2.4: the number follows, seven bits an octet, the last without the top bit.
            let last = rest.iter().position(|octet| octet & 0x80 == 0)?;
            rest = rest.get(last + 1..)?;
        }
        let (len, rest) = length(rest)?;
        let (content, rest) = rest.split_at_checked(len)?;
        let whole = bytes.get(..bytes.len() - rest.len())?;
        Some((Self { tag, content, whole }, rest))
    }

    /// The values inside this one; an error ends them with `None`.
    pub(super) fn inner(self) -> impl Iterator<Item = Option<Tlv<'a>>> {
        let mut rest = self.content;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let Some((value, after)) = Tlv::first(rest) else {
                rest = &[];
                return Some(None);
            };
            rest = after;
            Some(Some(value))
        })
    }

    pub(super) fn is_constructed(self) -> bool {
        self.tag & 0x20 != 0
    }

    /// Whether it consists of whole values all the way down, at most `depth` deep.
    pub(super) fn is_well_formed(self, depth: usize) -> bool {
        !self.is_constructed()
            || (depth > 0
                && self
                    .inner()
                    .all(|inner| inner.is_some_and(|inner| inner.is_well_formed(depth - 1))))
    }
}

/// X.690 §10.1: the definite form, as short as it can be.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((usize::from(first), rest));
    }
    let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    if octets.is_empty() || octets.len() > size_of::<u32>() || octets.first() == Some(&0) {
        return None;
    }
    let len = octets.iter().fold(0, |len, &octet| (len << 8) | u64::from(octet));
    (len >= 0x80).then_some((usize::try_from(len).ok()?, rest))
}
