//! Instants as clients of ThingSpeak write and read them: in a time zone by its name, or by a number of hours. Pure.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// In which zone instants are read, where they do not say it themselves, and shown.
#[derive(Clone, Debug)]
pub(super) struct Zone(TimeZone);

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl Zone {
    /// The zone of this name in the table of the IANA, e.g. `Europe/Bratislava`; UTC for a name that is not in it, as the original.
    pub(super) fn named(name: &str) -> Self {
        Self(TimeZone::get(name).unwrap_or(TimeZone::UTC))
    }

    /// So many hours east of UTC.
    pub(super) fn offset(hours: i8) -> Self {
        Self(Offset::from_hours(hours).map_or(TimeZone::UTC, TimeZone::fixed))
    }

    /// `2014-02-25T14:13:01-05:00`; in UTC with a Z at its end.
    pub(super) fn iso(&self, at: i64) -> String {
        let Some(zoned) = self.zoned(at) else {
            return String::new();
        };
        let local = zoned.strftime("%Y-%m-%dT%H:%M:%S");
        match zoned.offset().seconds() {
            0 => format!("{local}Z"),
            _ => format!("{local}{}", zoned.strftime("%:z")),
        }
    }

    /// `2014-02-25 14:13:01 -0500`; in UTC with its name at the end.
    pub(super) fn spaced(&self, at: i64) -> String {
        let Some(zoned) = self.zoned(at) else {
            return String::new();
        };
        let local = zoned.strftime("%Y-%m-%d %H:%M:%S");
        match zoned.offset().seconds() {
            0 => format!("{local} UTC"),
            _ => format!("{local} {}", zoned.strftime("%z")),
        }
    }

    /// The day and the time, short, for a chart: `25 Feb 14:13`.
    pub(super) fn short(&self, at: i64) -> String {
        self.zoned(at)
            .map(|zoned| zoned.strftime("%d %b %H:%M").to_string())
            .unwrap_or_default()
    }

    fn zoned(&self, at: i64) -> Option<jiff::Zoned> {
        Timestamp::from_millisecond(at)
            .ok()
            .map(|at| at.to_zoned(self.0.clone()))
    }

    /// An instant in ISO 8601, as MySQL writes it, or in seconds since 1970; in unix milliseconds.
    pub(super) fn read(&self, text: &str) -> Option<i64> {
        let text = text.trim();
        if let Ok(secs) = text.parse::<i64>() {
            return secs.checked_mul(1_000);
        }
        if let Ok(at) = text.parse::<Timestamp>() {
            return Some(at.as_millisecond());
        }
        // `2014-12-31 23:59:59 UTC`, and the `+0100` of older clients.
        let (text, zone) = match text.strip_suffix(" UTC") {
            Some(text) => (text, TimeZone::UTC),
            None => (text, self.0.clone()),
        };
        if let Ok(at) = Timestamp::strptime("%Y-%m-%d %H:%M:%S %z", text) {
            return Some(at.as_millisecond());
        }
        let local: DateTime = text.parse().ok()?;
        let zoned = local.to_zoned(zone).ok()?;
        Some(zoned.timestamp().as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_the_forms_that_clients_write() {
        let utc = Zone::default();
        let at = 1_420_070_399_000;
        for text in [
            "2014-12-31T23:59:59Z",
            "2014-12-31T18:59:59-05:00",
            "2014-12-31 23:59:59",
            "2014-12-31T23:59:59",
            "2014-12-31 23:59:59 UTC",
            "2014-12-31 18:59:59 -0500",
            "1420070399",
        ] {
            assert_eq!(utc.read(text), Some(at), "{text}");
        }
        assert_eq!(
            Zone::named("America/New_York").read("2014-12-31 18:59:59"),
            Some(at)
        );
        assert_eq!(utc.read("2014-12-31"), Some(at - 86_399_000));
        for text in ["", "yesterday", "2014-13-01", "99999999999999999999"] {
            assert_eq!(utc.read(text), None, "{text}");
        }
    }

    #[test]
    fn instants_are_shown_in_the_zone_that_was_asked_for() {
        let at = 1_420_070_399_000;
        assert_eq!(Zone::default().iso(at), "2014-12-31T23:59:59Z");
        assert_eq!(
            Zone::named("America/New_York").iso(at),
            "2014-12-31T18:59:59-05:00"
        );
        assert_eq!(Zone::offset(1).iso(at), "2015-01-01T00:59:59+01:00");
        assert_eq!(Zone::default().spaced(at), "2014-12-31 23:59:59 UTC");
        assert_eq!(Zone::offset(-5).spaced(at), "2014-12-31 18:59:59 -0500");
        assert_eq!(Zone::named("Atlantis/Capital").iso(at), "2014-12-31T23:59:59Z");
    }
}
