//! The rules of an organisation. Below it they can only be tightened.

use serde::{Deserialize, Serialize};

use crate::bulk::MAX_BULK_DEVICES;

/// Most days for which certificates are issued.
pub const MAX_CERTIFICATE_VALIDITY_DAYS: u32 = 825;
/// Most days after expiry during which a certificate still opens a session.
pub const MAX_GRACE_DAYS: u32 = 366;
/// Most hours for which a superseded certificate goes on: a month.
pub const MAX_SUPERSEDED_GRACE_HOURS: u32 = 744;

/// The rules of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Policy {
    /// Days for which certificates are issued, 1 to [`MAX_CERTIFICATE_VALIDITY_DAYS`].
    pub certificate_validity_days: u32,
    /// Days after expiry during which a certificate still opens a session for renewal, at most [`MAX_GRACE_DAYS`].
    pub grace_days: u32,
    /// Hours for which a certificate goes on after a session has proved a newer one of its device, at most
    /// [`MAX_SUPERSEDED_GRACE_HOURS`]. 0: it ends at once.
    pub superseded_grace_hours: u32,
    /// Whether a certificate that ended so is named in the revocation list (RFC 5280 §5.3.1, `superseded`).
    pub superseded_in_crl: bool,
    /// Whether links and QR codes may prefill the code.
    pub prefill_code: bool,
    /// Whether a token of scope `enrol` may approve.
    pub token_may_approve: bool,
    /// Bulk actions that shut out, let in or move more devices than this begin when a second person has confirmed them; at most
    /// [`MAX_BULK_DEVICES`], which asks for nobody.
    pub second_person_above: u32,
    /// Whether nobody but owners may come in by a passkey alone: everybody else signs in by a provider of the customer. Set at a
    /// customer, it holds in all its organisations.
    pub single_sign_on_required: bool,
    /// Whether clients of ThingSpeak may write and read its measurement feeds. Their keys stand in URLs.
    pub thingspeak_api: bool,
    /// Days for which every measured value is kept, 1 to [`MAX_KEPT_DAYS`](crate::measurement::MAX_KEPT_DAYS).
    pub measurements_raw_days: u32,
    /// Days for which the minutes of what was measured are kept, 1 to [`MAX_KEPT_DAYS`](crate::measurement::MAX_KEPT_DAYS).
    pub measurements_minute_days: u32,
    /// Days for which the hours of what was measured are kept, 1 to [`MAX_KEPT_DAYS`](crate::measurement::MAX_KEPT_DAYS).
    pub measurements_hour_days: u32,
}

impl Policy {
    /// The tighter one of each rule: shorter times, and fewer liberties.
    #[must_use]
    pub fn tightened_by(mut self, own: &PolicyUpdate) -> Self {
        fn least<T: Ord + Copy>(rule: &mut T, own: Option<T>) {
            *rule = own.map_or(*rule, |own| own.min(*rule));
        }
        least(&mut self.certificate_validity_days, own.certificate_validity_days);
        least(&mut self.grace_days, own.grace_days);
        least(&mut self.superseded_grace_hours, own.superseded_grace_hours);
        // To name an ended certificate in the list is the tighter one of the two.
        self.superseded_in_crl |= own.superseded_in_crl.unwrap_or_default();
        least(&mut self.prefill_code, own.prefill_code);
        least(&mut self.token_may_approve, own.token_may_approve);
        least(&mut self.second_person_above, own.second_person_above);
        self.single_sign_on_required |= own.single_sign_on_required.unwrap_or_default();
        least(&mut self.thingspeak_api, own.thingspeak_api);
        least(&mut self.measurements_raw_days, own.measurements_raw_days);
        least(&mut self.measurements_minute_days, own.measurements_minute_days);
        least(&mut self.measurements_hour_days, own.measurements_hour_days);
        self
    }
}

impl Default for Policy {
    fn default() -> Self {
        // 90 days: a lost key does not open sessions for long. Grace of 30 days: a device in a drawer over the holidays comes back by itself.
        Self {
            certificate_validity_days: 90,
            grace_days: 30,
            // The device keeps old and new side by side until the new one is proved, so it needs the old one no longer.
            superseded_grace_hours: 0,
            // Only the list tells other verifiers that a key was replaced; the price is one line for each device that
            // has renewed lately.
            superseded_in_crl: true,
            prefill_code: true,
            token_may_approve: true,
            // An organisation with one admin could do nothing with its fleet.
            second_person_above: MAX_BULK_DEVICES,
            single_sign_on_required: false,
            thingspeak_api: true,
            // Each value for a season, minutes for two years, hours for ten: what each costs is a tenth of the one before.
            measurements_raw_days: 90,
            measurements_minute_days: 732,
            measurements_hour_days: 3_653,
        }
    }
}

/// Other rules for an organisation: `PATCH /api/v1/organisations/{id}/policy`. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyUpdate {
    /// See [`Policy::certificate_validity_days`]. Certificates that stand keep theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_validity_days: Option<u32>,
    /// See [`Policy::grace_days`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_days: Option<u32>,
    /// See [`Policy::superseded_grace_hours`]. A grace that runs already keeps its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_grace_hours: Option<u32>,
    /// See [`Policy::superseded_in_crl`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_in_crl: Option<bool>,
    /// See [`Policy::prefill_code`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefill_code: Option<bool>,
    /// See [`Policy::token_may_approve`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_may_approve: Option<bool>,
    /// See [`Policy::second_person_above`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_person_above: Option<u32>,
    /// See [`Policy::single_sign_on_required`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub single_sign_on_required: Option<bool>,
    /// See [`Policy::thingspeak_api`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thingspeak_api: Option<bool>,
    /// See [`Policy::measurements_raw_days`]. What is older is gone within a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measurements_raw_days: Option<u32>,
    /// See [`Policy::measurements_minute_days`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measurements_minute_days: Option<u32>,
    /// See [`Policy::measurements_hour_days`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measurements_hour_days: Option<u32>,
}

impl PolicyUpdate {
    /// The first rule of these that is looser than what comes from above, by its JSON name, and what is allowed.
    #[must_use]
    pub fn looser_than(&self, above: &Policy) -> Option<(&'static str, String)> {
        fn number(name: &'static str, own: Option<u32>, above: u32) -> Option<(&'static str, String)> {
            (own? > above).then(|| (name, format!("at most {above}")))
        }
        fn liberty(name: &'static str, own: Option<bool>, above: bool) -> Option<(&'static str, String)> {
            (own? && !above).then(|| (name, "false".to_owned()))
        }
        number(
            "certificate_validity_days",
            self.certificate_validity_days,
            above.certificate_validity_days,
        )
        .or_else(|| number("grace_days", self.grace_days, above.grace_days))
        .or_else(|| {
            number(
                "superseded_grace_hours",
                self.superseded_grace_hours,
                above.superseded_grace_hours,
            )
        })
        .or_else(|| {
            (self.superseded_in_crl == Some(false) && above.superseded_in_crl)
                .then(|| ("superseded_in_crl", "true".to_owned()))
        })
        .or_else(|| liberty("prefill_code", self.prefill_code, above.prefill_code))
        .or_else(|| {
            liberty(
                "token_may_approve",
                self.token_may_approve,
                above.token_may_approve,
            )
        })
        .or_else(|| {
            number(
                "second_person_above",
                self.second_person_above,
                above.second_person_above,
            )
        })
        .or_else(|| {
            (self.single_sign_on_required == Some(false) && above.single_sign_on_required)
                .then(|| ("single_sign_on_required", "true".to_owned()))
        })
        .or_else(|| liberty("thingspeak_api", self.thingspeak_api, above.thingspeak_api))
        .or_else(|| {
            number(
                "measurements_raw_days",
                self.measurements_raw_days,
                above.measurements_raw_days,
            )
        })
        .or_else(|| {
            number(
                "measurements_minute_days",
                self.measurements_minute_days,
                above.measurements_minute_days,
            )
        })
        .or_else(|| {
            number(
                "measurements_hour_days",
                self.measurements_hour_days,
                above.measurements_hour_days,
            )
        })
    }

    /// Without the rules that are the same as above: those are taken from there from now on.
    #[must_use]
    pub fn without_those_of(mut self, above: &Policy) -> Self {
        fn forget<T: PartialEq>(own: &mut Option<T>, above: &T) {
            if own.as_ref() == Some(above) {
                *own = None;
            }
        }
        forget(
            &mut self.certificate_validity_days,
            &above.certificate_validity_days,
        );
        forget(&mut self.grace_days, &above.grace_days);
        forget(&mut self.superseded_grace_hours, &above.superseded_grace_hours);
        forget(&mut self.superseded_in_crl, &above.superseded_in_crl);
        forget(&mut self.prefill_code, &above.prefill_code);
        forget(&mut self.token_may_approve, &above.token_may_approve);
        forget(&mut self.second_person_above, &above.second_person_above);
        forget(&mut self.single_sign_on_required, &above.single_sign_on_required);
        forget(&mut self.thingspeak_api, &above.thingspeak_api);
        forget(&mut self.measurements_raw_days, &above.measurements_raw_days);
        forget(
            &mut self.measurements_minute_days,
            &above.measurements_minute_days,
        );
        forget(&mut self.measurements_hour_days, &above.measurements_hour_days);
        self
    }

    /// These, and those of `other` where it names any.
    #[must_use]
    pub fn changed_by(self, other: &Self) -> Self {
        Self {
            certificate_validity_days: other.certificate_validity_days.or(self.certificate_validity_days),
            grace_days: other.grace_days.or(self.grace_days),
            superseded_grace_hours: other.superseded_grace_hours.or(self.superseded_grace_hours),
            superseded_in_crl: other.superseded_in_crl.or(self.superseded_in_crl),
            prefill_code: other.prefill_code.or(self.prefill_code),
            token_may_approve: other.token_may_approve.or(self.token_may_approve),
            second_person_above: other.second_person_above.or(self.second_person_above),
            single_sign_on_required: other.single_sign_on_required.or(self.single_sign_on_required),
            thingspeak_api: other.thingspeak_api.or(self.thingspeak_api),
            measurements_raw_days: other.measurements_raw_days.or(self.measurements_raw_days),
            measurements_minute_days: other.measurements_minute_days.or(self.measurements_minute_days),
            measurements_hour_days: other.measurements_hour_days.or(self.measurements_hour_days),
        }
    }

    /// Puts what is present in the place of what was.
    pub fn apply_to(self, policy: &mut Policy) {
        fn put<T>(place: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *place = value;
            }
        }
        put(
            &mut policy.certificate_validity_days,
            self.certificate_validity_days,
        );
        put(&mut policy.grace_days, self.grace_days);
        put(&mut policy.superseded_grace_hours, self.superseded_grace_hours);
        put(&mut policy.superseded_in_crl, self.superseded_in_crl);
        put(&mut policy.prefill_code, self.prefill_code);
        put(&mut policy.token_may_approve, self.token_may_approve);
        put(&mut policy.second_person_above, self.second_person_above);
        put(&mut policy.single_sign_on_required, self.single_sign_on_required);
        put(&mut policy.thingspeak_api, self.thingspeak_api);
        put(&mut policy.measurements_raw_days, self.measurements_raw_days);
        put(
            &mut policy.measurements_minute_days,
            self.measurements_minute_days,
        );
        put(&mut policy.measurements_hour_days, self.measurements_hour_days);
    }
}

/// The rules of an organisation and where each comes from: `GET /api/v1/organisations/{id}/policy`. A rule is set at an
/// organisation, or comes from above; below it can only be tightened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyDetail {
    /// What holds.
    pub policy: Policy,
    /// What is set here. A rule from above holds where it is tighter.
    pub own: PolicyUpdate,
    /// What would hold if nothing were set here; absent at a root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<Policy>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(days: u32) -> PolicyUpdate {
        PolicyUpdate {
            certificate_validity_days: Some(days),
            superseded_in_crl: Some(false),
            prefill_code: Some(false),
            ..PolicyUpdate::default()
        }
    }

    #[test]
    fn the_tighter_rule_holds() {
        let above = Policy {
            token_may_approve: false,
            ..Policy::default()
        };
        let held = above.clone().tightened_by(&own(30));
        assert_eq!(held.certificate_validity_days, 30);
        assert_eq!(
            above.clone().tightened_by(&own(300)).certificate_validity_days,
            90
        );
        assert!(held.superseded_in_crl, "what is named above is named below");
        assert!(!held.prefill_code && !held.token_may_approve);
        assert_eq!(above.clone().tightened_by(&PolicyUpdate::default()), above);
    }

    #[test]
    fn what_is_looser_than_above_is_named() {
        let above = Policy::default();
        assert_eq!(
            own(91).looser_than(&above),
            Some(("certificate_validity_days", "at most 90".to_owned()))
        );
        let crl = own(90).looser_than(&above);
        assert_eq!(crl, Some(("superseded_in_crl", "true".to_owned())));
        let tight = PolicyUpdate {
            superseded_in_crl: None,
            ..own(90)
        };
        assert_eq!(tight.looser_than(&above), None);
        assert_eq!(tight.without_those_of(&above).certificate_validity_days, None);
    }
}
