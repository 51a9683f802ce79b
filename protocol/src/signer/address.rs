//! Where signing endpoints are. What passes here goes into addresses and into a content security policy as it is, so that
//! nothing else may be in it.

use super::UnfitSigner;

/// An origin: a scheme, a host, perhaps a port, and no path.
pub(super) fn check_origin(field: &'static str, text: &str) -> Result<(), UnfitSigner> {
    if is_origin(text) {
        return Ok(());
    }
    unfit(
        field,
        "is an origin: https, a host, perhaps a port, and no path (http for a loopback address)",
    )
}

/// As [`check_origin`], where there is one.
pub(super) fn check_optional_origin(field: &'static str, text: Option<&str>) -> Result<(), UnfitSigner> {
    text.map_or(Ok(()), |text| check_origin(field, text))
}

/// An origin and perhaps a path below it, without a slash at its end.
pub(super) fn check_base(field: &'static str, text: &str) -> Result<(), UnfitSigner> {
    let origin = origin_of(text);
    let path = text.strip_prefix(origin).unwrap_or_default();
    let is_path = path.is_empty()
        || path.starts_with('/')
            && !path.ends_with('/')
            && !path.contains("//")
            && path.len() <= 256
            && path
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"/-._~%".contains(&b));
    if is_origin(origin) && is_path {
        return Ok(());
    }
    unfit(
        field,
        "is an https address without query, fragment or a slash at its end (http for a loopback address)",
    )
}

/// The origin of an address: all before its path, query or fragment.
#[must_use]
pub fn origin_of(url: &str) -> &str {
    let from = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(from..).and_then(|rest| rest.find(['/', '?', '#']));
    end.and_then(|end| url.get(..from + end)).unwrap_or(url)
}

/// Host and port of an address, for people.
#[must_use]
pub fn host_of(url: &str) -> &str {
    let origin = origin_of(url);
    origin.split_once("://").map_or(origin, |(_, host)| host)
}

/// A name that an authority gave: visible ASCII, without what separates.
pub(super) fn check_token(field: &'static str, text: &str, most: usize) -> Result<(), UnfitSigner> {
    if !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    unfit(
        field,
        &format!("has 1 to {most} visible ASCII characters and no space"),
    )
}

pub(super) fn unfit(field: &'static str, must: &str) -> Result<(), UnfitSigner> {
    Err(UnfitSigner {
        field,
        detail: format!("{field} {must}"),
    })
}

/// An address for people or programs to go to: an origin as [`check_origin`] takes it, and visible ASCII behind it.
#[must_use]
pub fn is_address(url: &str) -> bool {
    let origin = origin_of(url);
    let rest = url.strip_prefix(origin).unwrap_or_default();
    is_origin(origin)
        && rest
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"<>\"`".contains(&b))
}

/// A port, written as one writes a number.
pub(super) fn is_port(text: &str) -> bool {
    text.parse::<u16>()
        .is_ok_and(|number| number > 0 && number.to_string() == text)
}

/// RFC 6454 §6.2, with https, or with http where nothing leaves the machine.
fn is_origin(text: &str) -> bool {
    let (host_and_port, secure) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (rest, true),
        (None, Some(rest)) => (rest, false),
        (None, None) => return false,
    };
    let (host, port) = match host_and_port.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (host_and_port, None),
    };
    is_host(host) && port.is_none_or(is_port) && (secure || matches!(host, "localhost" | "127.0.0.1"))
}

/// Labels of RFC 1123 §2.1 in lower case, with dots between them.
pub(super) fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
}
