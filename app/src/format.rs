//! Texts of values that look the same on the server and in the browser: instants in UTC, numbers, fingerprints.
//!
//! What depends on the reader's time zone is drawn anew in the browser (`components/moment.rs`).

use gangway_protocol::time::UnixMillis;

use crate::visit::Language;

/// An instant as `2026-11-22 14:03 UTC`: what stands in the page until the browser puts it into the reader's terms.
pub(crate) fn instant(at: UnixMillis) -> String {
    let stamp = rfc3339(at);
    format!("{} {} UTC", &stamp[..10], &stamp[11..16])
}

/// An instant as RFC 3339 in whole seconds, for `<time datetime>`.
pub(crate) fn rfc3339(at: UnixMillis) -> String {
    let seconds = at.as_secs();
    let (year, month, day) = civil_date(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    // Years outside four digits are nobody's certificate; they would only break the fixed columns above.
    let year = year.clamp(0, 9_999);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil_date(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

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

/// A span of time as a step of the crossing shows it: `0.4 s`, `12 s`, `3 min`.
pub(crate) fn span(language: Language, millis: i64) -> String {
    let millis = millis.max(0);
    if millis < 10_000 {
        let point = match language {
            Language::English => '.',
            Language::German => ',',
        };
        format!("{}{point}{} s", millis / 1_000, millis % 1_000 / 100)
    } else if millis < 120_000 {
        format!("{} s", millis / 1_000)
    } else {
        format!("{} min", millis / 60_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_utc() {
        assert_eq!(rfc3339(UnixMillis(0)), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(UnixMillis(951_827_696_999)), "2000-02-29T12:34:56Z");
        assert_eq!(instant(UnixMillis(1_795_305_780_000)), "2026-11-22 00:03 UTC");
        assert_eq!(rfc3339(UnixMillis(-1)), "1969-12-31T23:59:59Z");
    }

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
        assert_eq!(span(Language::English, -5), "0.0 s");
    }
}
