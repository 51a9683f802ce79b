//! Patterns for `LIKE … ESCAPE '\'` from what people type.

/// A pattern for texts that contain `part` as it is.
#[must_use]
pub fn containing(part: &str) -> String {
    let mut pattern = String::with_capacity(part.len() + 2);
    pattern.push('%');
    for c in part.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    #[test]
    fn wildcards_lose_their_meaning() {
        assert_eq!(super::containing("50%_\\"), "%50\\%\\_\\\\%");
    }
}
