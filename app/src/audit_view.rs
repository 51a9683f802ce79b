//! What the page of an organisation's record shows: which entries, which page of them. It lives in the address, so that it can be
//! shared, marked and gone back to, and is filled in by a form that needs no script.

use gangway_protocol::audit::{Action, AuditQuery};
use gangway_protocol::path::page as paths;
use gangway_protocol::time::UnixMillis;

/// The name under which the address asks for the chain to be followed.
const VERIFY: &str = "verify";
/// The name under which it asks for the organisation alone.
pub(crate) const ALONE: &str = "alone";
/// What stands under a name that says yes.
pub(crate) const YES: &str = "true";

/// The view, as it stands in the address under the names that the API uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AuditView {
    /// Id of the organisation.
    pub(crate) organisation: String,
    /// Without those below it.
    pub(crate) alone: bool,
    /// Name of an action or of a family; empty for all.
    pub(crate) action: String,
    /// Id of who did it; empty for everybody.
    pub(crate) actor: String,
    /// Id of what it was done to; empty for all.
    pub(crate) subject: String,
    /// The first day, as `2026-11-22`; empty for the beginning.
    pub(crate) since: String,
    /// The last day.
    pub(crate) until: String,
    /// Where the page begins; empty for the newest.
    pub(crate) after: String,
    /// Whether the chain is followed.
    pub(crate) verify: bool,
}

impl AuditView {
    /// Reads the address's query. `value` gives what stands in it under a name.
    pub(crate) fn read(value: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name| value(name).unwrap_or_default();
        let day = |name| {
            Some(text(name))
                .filter(|day| day_of(day).is_some())
                .unwrap_or_default()
        };
        Self {
            organisation: text(paths::ORGANISATION_ID),
            alone: text(ALONE) == YES,
            // What is no action narrows nothing: an edited address shows all.
            action: Some(text("action"))
                .filter(|action| !Action::meant_by(action).is_empty())
                .unwrap_or_default(),
            actor: text("actor"),
            subject: text("subject"),
            since: day("since"),
            until: day("until"),
            after: text("after"),
            verify: text(VERIFY) == YES,
        }
    }

    /// The address of the page with this view; what is empty is left out.
    pub(crate) fn address(&self) -> String {
        let yes = |wanted: bool| if wanted { YES } else { "" };
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            (paths::ORGANISATION_ID, self.organisation.as_str()),
            (ALONE, yes(self.alone)),
            ("action", &self.action),
            ("actor", &self.actor),
            ("subject", &self.subject),
            ("since", &self.since),
            ("until", &self.until),
            ("after", &self.after),
            (VERIFY, yes(self.verify)),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("{}?{}", paths::ORGANISATION_AUDIT, query.finish())
    }

    /// The question to the API. The last day is whole.
    pub(crate) fn to_query(&self) -> AuditQuery {
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        AuditQuery {
            alone: self.alone,
            action: some(&self.action),
            actor: some(&self.actor),
            subject: some(&self.subject),
            since: day_of(&self.since),
            until: day_of(&self.until).map(|day| day.plus(UnixMillis::DAY)),
            limit: None,
            after: some(&self.after),
        }
    }

    /// Whether anything narrows the list.
    pub(crate) fn is_narrowed(&self) -> bool {
        [&self.action, &self.actor, &self.subject, &self.since, &self.until]
            .into_iter()
            .any(|text| !text.is_empty())
    }

    /// The view without anything that narrows it.
    pub(crate) fn widened(&self) -> Self {
        Self {
            organisation: self.organisation.clone(),
            alone: self.alone,
            ..Self::default()
        }
    }

    /// The view with one thing changed, at its first page.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut view = self.clone();
        view.after.clear();
        view.verify = false;
        change(&mut view);
        view
    }
}

/// The beginning of a day in UTC: where the reader is, the server does not know.
fn day_of(text: &str) -> Option<UnixMillis> {
    UnixMillis::from_day(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str) -> AuditView {
        let query = address
            .split_once('?')
            .map(|(_, query)| query)
            .unwrap_or_default();
        AuditView::read(|name| {
            form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        })
    }

    #[test]
    fn a_view_survives_its_address() {
        let view = AuditView {
            organisation: "org_1".into(),
            alone: true,
            action: "device.".into(),
            actor: "acc_1&limit=9".into(),
            subject: "dev_1".into(),
            since: "2026-11-01".into(),
            until: "2026-11-22".into(),
            after: "cursor".into(),
            verify: true,
        };
        assert_eq!(read(&view.address()), view);
        let changed = view.with(|view| view.action.clear());
        assert_eq!((changed.after.as_str(), changed.verify), ("", false));
        assert!(view.is_narrowed() && !view.widened().is_narrowed());
    }

    #[test]
    fn the_last_day_is_whole() {
        let query = read("/organisation/audit?since=1970-01-01&until=1970-01-01").to_query();
        assert_eq!(
            (query.since, query.until),
            (Some(UnixMillis(0)), Some(UnixMillis(UnixMillis::DAY)))
        );
    }

    #[test]
    fn nonsense_in_the_address_narrows_nothing() {
        let view =
            read("/organisation/audit?action=device.painted&since=yesterday&until=2026-02-30&alone=perhaps");
        assert_eq!(view, AuditView::default());
    }
}
