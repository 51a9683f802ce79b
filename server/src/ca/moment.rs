//! Instants in whole seconds: as certificates and CRLs write them, UTCTime until 2049 (RFC 5280 §4.1.2.5), and as people do.

use std::time::Duration;

use gangway_protocol::time::UnixMillis;
use x509_cert::der::asn1::{GeneralizedTime, UtcTime};
use x509_cert::der::{DateTime, Error};
use x509_cert::time::Time;

/// `at`, rounded down to the second.
pub fn to_x509(at: UnixMillis) -> Result<Time, Error> {
    let since_epoch = Duration::from_secs(at.as_secs().max(0).unsigned_abs());
    // RFC 5280 §4.1.2.5: dates through 2049 MUST be UTCTime, later ones GeneralizedTime.
    UtcTime::from_unix_duration(since_epoch)
        .map(Time::UtcTime)
        .or_else(|_| GeneralizedTime::from_unix_duration(since_epoch).map(Time::GeneralTime))
}

/// The instant of a certificate's field.
#[must_use]
pub fn from_x509(time: Time) -> UnixMillis {
    UnixMillis(i64::try_from(time.to_unix_duration().as_millis()).unwrap_or(i64::MAX))
}

/// The instant for people and logs, RFC 3339 in UTC to the second.
#[must_use]
pub fn shown(at: UnixMillis) -> String {
    let since_epoch = Duration::from_secs(at.as_secs().max(0).unsigned_abs());
    DateTime::from_unix_duration(since_epoch).map_or_else(|_| at.0.to_string(), |date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_the_calendar() {
        assert_eq!(shown(UnixMillis(1_800_000_000_999)), "2027-01-15T08:00:00Z");
    }

    #[test]
    fn the_form_changes_with_2050() {
        let last_of_2049 = UnixMillis(2_524_607_999_000);
        assert!(matches!(to_x509(last_of_2049), Ok(Time::UtcTime(_))));
        assert!(matches!(
            to_x509(last_of_2049.plus(1_000)),
            Ok(Time::GeneralTime(_))
        ));
        let written = to_x509(last_of_2049.plus(999)).expect("2049 has a form");
        assert_eq!(from_x509(written), last_of_2049);
    }
}
