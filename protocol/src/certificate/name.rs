//! Distinguished names, compared as RFC 5280 §7.1 says: one authority writes a name as PrintableString, another the same
//! name as UTF8String.

use super::tlv::Tlv;

const SET: u8 = 0x31;
const SEQUENCE: u8 = 0x30;

/// Whether two DER Names name the same. Texts are compared as OpenSSL compares them: whatever the string type, without
/// regard to the case of ASCII letters, leading and trailing blanks, and the number of blanks in a row.
#[must_use]
pub fn same_name(one: &[u8], other: &[u8]) -> bool {
    one == other || canonical(one).is_some_and(|one| canonical(other).is_some_and(|other| one == other))
}

/// Type and value.
type Attribute<'a> = (&'a [u8], Value<'a>);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Value<'a> {
    Text(String),
    Other(&'a [u8]),
}

/// RFC 5280 §4.1.2.4: Name ::= SEQUENCE OF SET OF SEQUENCE { type, value }. The order within a set says nothing.
fn canonical(name: &[u8]) -> Option<Vec<Vec<Attribute<'_>>>> {
    let (name, rest) = Tlv::first(name)?;
    if name.tag != SEQUENCE || !rest.is_empty() {
        return None;
    }
    name.inner()
        .map(|relative| {
            let relative = relative.filter(|relative| relative.tag == SET)?;
            let mut attributes: Vec<_> = relative.inner().map(attribute).collect::<Option<_>>()?;
            attributes.sort();
            Some(attributes)
        })
        .collect()
}

fn attribute(attribute: Option<Tlv<'_>>) -> Option<Attribute<'_>> {
    let mut parts = attribute?.inner();
    let (kind, value) = (parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    let value = text(value).map_or(Value::Other(value.whole), |text| Value::Text(folded(&text)));
    Some((kind.whole, value))
}

/// The text of a string type of X.680 §41; `None` for other types.
fn text(value: Tlv<'_>) -> Option<String> {
    let content = value.content;
    match value.tag {
        // UTF8String; PrintableString, IA5String, VisibleString.
        0x0c | 0x13 | 0x16 | 0x1a => String::from_utf8(content.to_vec()).ok(),
        // TeletexString: everybody writes Latin-1 into it, and reads it so.
        0x14 => Some(content.iter().copied().map(char::from).collect()),
        // BMPString.
        0x1e => {
            let units = content
                .chunks(2)
                .map(|unit| unit.try_into().map(u16::from_be_bytes));
            String::from_utf16(&units.collect::<Result<Vec<_>, _>>().ok()?).ok()
        }
        // UniversalString.
        0x1c => content
            .chunks(4)
            .map(|unit| char::from_u32(u32::from_be_bytes(unit.try_into().ok()?)))
            .collect(),
        _ => None,
    }
}

fn folded(text: &str) -> String {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    words.join(" ").to_ascii_lowercase()
}
