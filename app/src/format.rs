//! Texts of values that look the same on the server and in the browser: numbers, fingerprints, spans of time.
//!
//! Instants write themselves in UTC; what depends on the reader's time zone is drawn anew in the browser
//! (`components/moment.rs`).

use crate::preference::Language;

/// A number with the language's separator of thousands.
pub(crate) fn number(language: Language, value: u64) -> String {
    let separator = match language {
        Language::English => ',',
        Language::German => '.',
    };
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// Hex digits in groups of four: people compare fingerprints group by group.
pub(crate) fn grouped(hex: &str) -> String {
    let mut text = String::with_capacity(hex.len() * 5 / 4);
    for (place, digit) in hex.chars().enumerate() {
        if place > 0 && place % 4 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A span of time as a step of the crossing shows it: `<0.1 s`, `0.4 s`, `12 s`, `3 min`.
pub(crate) fn span(language: Language, millis: i64) -> String {
    let millis = millis.max(0);
    let point = match language {
        Language::English => '.',
        Language::German => ',',
    };
    if millis < 100 {
        format!("<0{point}1 s")
    } else if millis < 10_000 {
        format!("{}{point}{} s", millis / 1_000, millis % 1_000 / 100)
    } else if millis < 120_000 {
        format!("{} s", millis / 1_000)
    } else {
        format!("{} min", millis / 60_000)
    }
}

/// The text without most digits of its fingerprints and serial numbers: those are compared at the certificate.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN: usize = 8;
    const LONG: usize = 24;
    text.split(' ')
        .map(|word| {
            let digits = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            let is_hex = digits.len() >= LONG && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            match (is_hex, word.get(..SHOWN), word.get(digits.len()..)) {
                (true, Some(begin), Some(end)) => format!("{begin}…{end}"),
                _ => word.to_owned(),
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_language() {
        assert_eq!(number(Language::English, 100_000), "100,000");
        assert_eq!(number(Language::German, 1_234_567), "1.234.567");
        assert_eq!(number(Language::English, 999), "999");
    }

    #[test]
    fn fingerprints_are_grouped_by_four() {
        assert_eq!(grouped("0123456789"), "0123 4567 89");
    }

    #[test]
    fn spans_get_coarser() {
        assert_eq!(span(Language::English, 440), "0.4 s");
        assert_eq!(span(Language::German, 9_990), "9,9 s");
        assert_eq!(span(Language::English, 61_000), "61 s");
        assert_eq!(span(Language::English, 600_000), "10 min");
        assert_eq!(span(Language::English, -5), "<0.1 s");
        assert_eq!(span(Language::German, 99), "<0,1 s");
    }

    #[test]
    fn fingerprints_are_shortened() {
        let digest = "0a0bba92c9e3fc84b84add805eb13f4b3d6826caf2574a9d825268e3e0c57b02";
        assert_eq!(
            shortened(&format!(
                "serial 553eea19aa5168f51ed62da3c02ffc2b, SHA-256 {digest}"
            )),
            "serial 553eea19…, SHA-256 0a0bba92…"
        );
        assert_eq!(shortened("to Ada Lovelace, Zürich"), "to Ada Lovelace, Zürich");
    }
}
