//! Names that people give: of a person, an organisation, a passkey, a token.

use gangway_protocol::device::check_text;

use super::Error;

/// Longest name of a person, an organisation, a passkey, a token.
pub const MAX_NAME_LEN: usize = 64;

/// A name for people: trimmed, 1 to 64 characters, none that deceives readers.
///
/// # Errors
/// [`Error::Invalid`] naming `field`.
pub fn fit_name(field: &'static str, name: &str) -> Result<String, Error> {
    // Counted with the spaces around it, as the description of the API says it.
    check_text(field, name, MAX_NAME_LEN)?;
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::invalid(
            field,
            format!("{field} is empty: give 1 to {MAX_NAME_LEN} characters"),
        ));
    }
    Ok(name.to_owned())
}
