//! What the fleet table shows: which devices, in which order, which page. It lives in the address, so that it can be
//! shared, marked and gone back to.

use gangway_protocol::device::DeviceQuery;
use gangway_protocol::path;
use gangway_protocol::saved_view::{SavedView, SavedViewRequest};
use serde::{Deserialize, Serialize};

/// The view, as it stands in the address under the names that the API uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FleetView {
    /// Words to search for.
    pub(crate) query: String,
    /// Name of a state; empty for all.
    pub(crate) state: String,
    /// `online` or `offline`; empty for both.
    pub(crate) presence: String,
    /// Id of an organisation; empty for all.
    pub(crate) organisation: String,
    /// A label; empty for all.
    pub(crate) label: String,
    /// A version of the device software; empty for all.
    pub(crate) version: String,
    /// Id of a signer; empty for all.
    pub(crate) signer: String,
    /// Days within which certificates end; empty for all.
    pub(crate) expires: String,
    /// Column and direction; empty for the newest first.
    pub(crate) sort: String,
    /// Where the page begins; empty for the first.
    pub(crate) after: String,
}

/// A column that can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Name,
    LastSeen,
    Added,
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::LastSeen => "last_seen_at",
            Self::Added => "created_at",
        }
    }
}

const DEFAULT_SORT: &str = "-created_at";

impl FleetView {
    /// Reads the address's query. `value` gives what stands in it under a name.
    pub(crate) fn read(value: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name| value(name).unwrap_or_default();
        Self {
            query: text("query"),
            state: text("state"),
            presence: text("presence"),
            organisation: text("organisation"),
            label: text("label"),
            version: text("software_version"),
            signer: text("signer"),
            expires: text("expires_within_days"),
            // The default needs no word, and is one view with it.
            sort: Some(text("sort"))
                .filter(|sort| sort != DEFAULT_SORT)
                .unwrap_or_default(),
            after: text("after"),
        }
    }

    /// The address of the fleet page with this view; what is empty is left out.
    pub(crate) fn address(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("query", &self.query),
            ("state", &self.state),
            ("presence", &self.presence),
            ("organisation", &self.organisation),
            ("label", &self.label),
            ("software_version", &self.version),
            ("signer", &self.signer),
            ("expires_within_days", &self.expires),
            ("sort", &self.sort),
            ("after", &self.after),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        let query = query.finish();
        if query.is_empty() {
            return path::page::FLEET.to_owned();
        }
        format!("{}?{query}", path::page::FLEET)
    }

    /// The question to the API. An organisation or a signer that is none (an edited address) is left out.
    pub(crate) fn to_query(&self) -> DeviceQuery {
        let some = |text: &String| (!text.trim().is_empty()).then(|| text.clone());
        DeviceQuery {
            organisation: self.organisation.parse().ok(),
            query: some(&self.query),
            state: some(&self.state),
            presence: some(&self.presence),
            label: some(&self.label),
            software_version: some(&self.version),
            signer: self.signer.parse().ok(),
            expires_within_days: self.expires.parse().ok(),
            sort: some(&self.sort),
            limit: None,
            after: some(&self.after),
        }
    }

    /// A view that is kept under a name.
    pub(crate) fn of(kept: &SavedView) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let filter = &kept.filter;
        Self {
            query: text(&filter.query),
            state: text(&filter.state),
            presence: text(&filter.presence),
            organisation: kept
                .organisation
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            label: text(&filter.label),
            version: text(&filter.software_version),
            signer: filter
                .signer
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            expires: filter
                .expires_within_days
                .map(|days| days.to_string())
                .unwrap_or_default(),
            sort: text(&kept.sort),
            after: String::new(),
        }
    }

    /// What keeps this view; its name is still to be given.
    pub(crate) fn to_request(&self) -> SavedViewRequest {
        let query = self.to_query();
        SavedViewRequest {
            name: String::new(),
            organisation: query.organisation.clone(),
            sort: query.sort.clone(),
            filter: query.into(),
            shared_in: None,
        }
    }

    /// Whether anything narrows the list.
    pub(crate) fn is_narrowed(&self) -> bool {
        self.is_narrowed_further()
            || [&self.query, &self.state, &self.presence, &self.organisation]
                .into_iter()
                .any(|text| !text.is_empty())
    }

    /// Whether any of the filters narrows it that stand behind “more”.
    pub(crate) fn is_narrowed_further(&self) -> bool {
        [&self.label, &self.version, &self.signer, &self.expires]
            .into_iter()
            .any(|text| !text.is_empty())
    }

    /// Whether a device that has just been added stands on the first page, and before all others.
    pub(crate) fn begins_with_newest(&self) -> bool {
        self.query.is_empty()
            && self.state.is_empty()
            && self.presence.is_empty()
            && self.sort.is_empty()
            && !self.is_narrowed_further()
    }

    /// The view without anything that narrows it.
    pub(crate) fn widened(&self) -> Self {
        Self {
            sort: self.sort.clone(),
            ..Self::default()
        }
    }

    /// The view at its first page.
    pub(crate) fn begun(&self) -> Self {
        self.with(|_| ())
    }

    /// The view with one thing changed; a page of the former list would be meaningless, so it starts at the first.
    pub(crate) fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut view = self.clone();
        view.after.clear();
        change(&mut view);
        view
    }

    /// The view after a click on a column's head: by this column, or the other way round. Names begin at A, instants at the newest.
    pub(crate) fn sorted_by(&self, column: Column) -> Self {
        let name = column.name();
        let first = if column == Column::Name {
            name.to_owned()
        } else {
            format!("-{name}")
        };
        let second = if column == Column::Name {
            format!("-{name}")
        } else {
            name.to_owned()
        };
        let sort = if self.effective_sort() == first {
            second
        } else {
            first
        };
        self.with(|view| view.sort = if sort == DEFAULT_SORT { String::new() } else { sort })
    }

    /// `aria-sort` of a column's head.
    pub(crate) fn direction(&self, column: Column) -> &'static str {
        match self.effective_sort().strip_prefix('-') {
            Some(name) if name == column.name() => "descending",
            None if self.effective_sort() == column.name() => "ascending",
            _ => "none",
        }
    }

    fn effective_sort(&self) -> &str {
        if self.sort.is_empty() {
            DEFAULT_SORT
        } else {
            &self.sort
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_survives_its_address() {
        let view = FleetView {
            query: "hall 3 & roof".into(),
            state: "active".into(),
            sort: "-name".into(),
            ..FleetView::default()
        };
        let address = view.address();
        assert!(address.starts_with("/fleet?"), "{address}");
        assert!(!address.contains(' ') && !address.contains("& "), "{address}");
        let query = address
            .split_once('?')
            .map(|(_, query)| query.to_owned())
            .unwrap_or_default();
        let value = |name: &str| {
            form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        assert_eq!(FleetView::read(value), view);
        assert_eq!(FleetView::default().address(), "/fleet");
    }

    #[test]
    fn clicking_a_column_turns_the_order() {
        let view = FleetView {
            after: "cursor".into(),
            ..FleetView::default()
        };
        assert_eq!(view.direction(Column::Added), "descending");
        let by_name = view.sorted_by(Column::Name);
        assert_eq!((by_name.sort.as_str(), by_name.after.as_str()), ("name", ""));
        assert_eq!(by_name.sorted_by(Column::Name).sort, "-name");
        assert_eq!(by_name.sorted_by(Column::LastSeen).sort, "-last_seen_at");
        assert_eq!(
            by_name.sorted_by(Column::Added).sort,
            "",
            "the default needs no word in the address"
        );
        assert_eq!(
            view.sorted_by(Column::Added).direction(Column::Added),
            "ascending"
        );
    }

    #[test]
    fn the_default_order_is_one_view_by_either_name() {
        let view = FleetView::read(|name| (name == "sort").then(|| "-created_at".to_owned()));
        assert_eq!(view, FleetView::default());
    }

    #[test]
    fn a_change_goes_back_to_the_first_page() {
        let view = FleetView {
            after: "cursor".into(),
            query: "a".into(),
            ..FleetView::default()
        };
        assert_eq!(view.with(|view| view.query = "ab".into()).after, "");
        assert!(view.is_narrowed());
        assert!(!view.widened().is_narrowed());
    }

    #[test]
    fn a_kept_view_is_the_view_that_was_kept() {
        let view = FleetView {
            query: "hall".into(),
            label: "wet".into(),
            expires: "30".into(),
            sort: "name".into(),
            after: "cursor".into(),
            ..FleetView::default()
        };
        let SavedViewRequest {
            filter,
            organisation,
            sort,
            ..
        } = view.to_request();
        let kept = SavedView {
            id: "viw_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id"),
            name: "Wet".into(),
            filter,
            organisation,
            sort,
            shared_in: None,
            removable: true,
        };
        assert_eq!(FleetView::of(&kept), view.begun());
    }

    #[test]
    fn nonsense_in_the_address_narrows_nothing() {
        let view = FleetView {
            organisation: "not-an-id".into(),
            ..FleetView::default()
        };
        assert_eq!(view.to_query(), DeviceQuery::default());
    }
}
