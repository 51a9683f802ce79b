//! What the fleet page shows at present, and how it comes to show something else.

use gangway_protocol::device::{Device, FleetChange, FleetChangeKind};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::DeviceId;
use gangway_protocol::page::Page;
use leptos::prelude::*;

use super::controls::filled_in;
use super::listing::{Asked, Compared, Listing, Total};
use super::news::News;
use super::selection::Chosen;
use super::table::TABLE_ID;
use crate::browser::following::Follower;
use crate::browser::page;
use crate::browser::reading::Reading;
use crate::fleet_view::FleetView;
use crate::trouble::{Outcome, Trouble};
use crate::visitor::api;

/// The page's heading: the focus goes there when what had it is gone.
pub(super) const TITLE_ID: &str = "fleet-title";
/// The state of the page, shared by its parts.
#[derive(Clone, Copy)]
pub(super) struct Fleet {
    /// What is asked for; the same stands in the address.
    pub(super) view: RwSignal<FleetView>,
    /// What stands in the search field; the view follows when the person pauses.
    pub(super) typed: RwSignal<String>,
    /// The rows of the last answer; they stay when a later question fails.
    pub(super) listing: RwSignal<Option<Listing>>,
    /// Why the last question failed.
    pub(super) trouble: RwSignal<Option<Trouble>>,
    /// What the page does not show because it came later.
    pub(super) news: RwSignal<News>,
    /// Whether the stream of changes is down, so that presence may be out of date.
    pub(super) stale: RwSignal<bool>,
    /// Devices that are chosen, for something to be done with them.
    pub(super) chosen: RwSignal<Chosen>,
    /// The one that was chosen last.
    pub(super) anchor: StoredValue<Option<DeviceId>>,
    /// Whether a question is on its way whose answer takes the rows' place.
    pub(super) busy: RwSignal<bool>,
    /// Counts those questions: only the answer to the last one counts.
    asked: StoredValue<u32>,
    /// How far the reading of what may have been missed is.
    catching_up: StoredValue<Reading>,
    /// What was filled in before the page came alive.
    found: StoredValue<FleetView>,
}

/// How the address changes with the view.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// A further entry of the history: going back leads to the view before.
    Push,
    /// In place of the present one: going back does not lead to half a word.
    Replace,
}

impl Fleet {
    /// The page as the server drew it.
    pub(super) fn new(devices: Outcome<Page<Device>>, shown: FleetView) -> Self {
        let found = filled_in(&shown);
        let (listing, trouble) = match devices {
            Ok(page) => (Some(Listing::new(shown.clone(), page)), None),
            Err(trouble) => (None, Some(trouble)),
        };
        Self {
            view: RwSignal::new(shown),
            typed: RwSignal::new(found.query.clone()),
            listing: RwSignal::new(listing),
            trouble: RwSignal::new(trouble),
            news: RwSignal::new(News::None),
            stale: RwSignal::new(false),
            chosen: RwSignal::new(Chosen::default()),
            anchor: StoredValue::new(None),
            busy: RwSignal::new(false),
            asked: StoredValue::new(0),
            catching_up: StoredValue::new(Reading::Idle),
            found: StoredValue::new(found),
        }
    }

    /// Goes with the address when the person goes back and forth, and takes over what was filled in before the page lived.
    pub(super) fn follow_address(self) {
        Effect::new(move |_| {
            let handle = window_event_listener(leptos::ev::popstate, move |_| {
                let query = page::query();
                let value = |name: &str| {
                    form_urlencoded::parse(query.as_bytes())
                        .find(|(key, _)| key == name)
                        .map(|(_, value)| value.into_owned())
                };
                self.show(FleetView::read(value));
            });
            on_cleanup(move || handle.remove());
            let found = self.found.get_value();
            if found != self.view.get_untracked() {
                self.go(found.begun(), Entry::Replace);
            }
        });
    }

    /// Shows another view, in the address too.
    pub(super) fn go(self, wanted: FleetView, entry: Entry) {
        if self.view.with_untracked(|view| *view != wanted) {
            page::put_address(&wanted.address(), entry == Entry::Replace);
            self.show(wanted);
        }
    }

    /// The present view with one thing changed, together with what has been typed and not been searched for yet.
    pub(super) fn changed(self, change: impl FnOnce(&mut FleetView)) -> FleetView {
        self.view.get_untracked().with(|view| {
            view.query = self.typed.get_untracked();
            change(view);
        })
    }

    fn show(self, wanted: FleetView) {
        if self.view.with_untracked(|view| *view == wanted) {
            return;
        }
        if self.typed.with_untracked(|typed| *typed != wanted.query) {
            self.typed.set(wanted.query.clone());
        }
        // What is not before one's eyes is not chosen; a further page belongs to what is.
        if self.view.with_untracked(|view| view.begun() != wanted.begun()) {
            self.choose_none();
        }
        self.view.set(wanted);
        self.ask();
    }

    /// Asks for the view; the answer takes the place of the rows.
    pub(super) fn ask(self) {
        let number = self.asked.get_value().wrapping_add(1);
        self.asked.set_value(number);
        self.busy.set(true);
        leptos::task::spawn_local(async move {
            let of = self.view.get_untracked();
            let asked = self.known();
            let answer = api().devices(&of.to_query()).await.map_err(Trouble::from);
            if self.asked.get_value() != number {
                return;
            }
            match answer {
                Ok(page) => {
                    let listing = self.listing.with_untracked(|former| match (former, &asked) {
                        (Some(_), Some(asked)) => Listing::after(former.as_ref(), asked, of, page),
                        _ => Listing::new(of, page),
                    });
                    self.listing.set(Some(listing));
                    self.news.set(News::None);
                    self.say(None);
                }
                Err(trouble) => self.say(Some(trouble)),
            }
            self.busy.set(false);
        });
    }

    /// A row could not be read. No device is ever deleted: one that is not found belongs to an organisation in which the visitor
    /// is no member any more. Whoever is told that their role does not allow it may see no list.
    fn lose_sight(self, id: &DeviceId, trouble: Trouble) {
        if trouble.is(ProblemCode::NotFound) {
            self.listing.update(|listing| {
                if let Some(listing) = listing {
                    listing.forget(id);
                }
            });
        } else if trouble.is_exclusion() {
            self.say(Some(trouble));
        }
    }

    fn known(self) -> Option<Asked> {
        self.listing
            .with_untracked(|listing| listing.as_ref().map(Listing::asked))
    }

    /// Whether answers go into the rows that are there: nothing else is on its way, and they are the view's.
    fn keeps_rows(self) -> bool {
        !self.busy.get_untracked()
            && self.view.with_untracked(|view| {
                self.listing
                    .with_untracked(|listing| listing.as_ref().is_some_and(|listing| listing.keeps(view)))
            })
    }

    /// Asks again without the person, so that nothing may move: the answer goes into the rows that are there.
    async fn compare(self) {
        let number = self.asked.get_value();
        let (query, asked) = (self.view.get_untracked().to_query(), self.known());
        let answer = api().devices(&query).await.map_err(Trouble::from);
        if self.asked.get_value() != number {
            return;
        }
        match answer {
            Ok(page) => {
                let total = Total::of(&page);
                let compared = self.listing.with_untracked(|listing| {
                    let (listing, asked) = (listing.as_ref()?, asked?);
                    Some(listing.compare(&asked, page.items))
                });
                self.take_in(compared, total);
                self.say(None);
            }
            Err(trouble) => self.say(Some(trouble)),
        }
    }

    fn take_in(self, compared: Option<Compared>, total: Option<Total>) {
        let Some(Compared { differs, gone }) = compared else {
            return;
        };
        // New devices are counted already, and with them what they have pushed off the page.
        let counted = self.news.with_untracked(|news| matches!(news, News::Added(_)));
        if differs && !counted {
            self.news.set(News::Changed);
        }
        for row in gone {
            row.read_again(move |id, trouble| self.lose_sight(id, trouble));
        }
        if self
            .listing
            .with_untracked(|listing| listing.as_ref().is_some_and(|listing| listing.total != total))
        {
            self.listing.update(|listing| {
                if let Some(listing) = listing {
                    listing.total = total;
                }
            });
        }
    }

    /// A new device. Where no row can move, it comes in at once: the empty fleet's page promises that.
    fn welcome(self, change: &FleetChange) {
        let (elsewhere, newest, first) = self.view.with_untracked(|view| {
            let organisation = view.to_query().organisation;
            (
                organisation.is_some_and(|organisation| organisation != change.organisation),
                view.begins_with_newest(),
                view.after.is_empty(),
            )
        });
        let empty = self
            .listing
            .with_untracked(|listing| listing.as_ref().is_some_and(|listing| listing.rows.is_empty()));
        // It may be below the organisation that is asked for: only the server knows.
        if elsewhere {
            return self.catch_up();
        }
        if first && empty {
            self.ask();
        } else if newest {
            self.news.update(|news| news.add(change.device.clone()));
        } else {
            // Whether the list has it, and where, only the server knows.
            self.catch_up();
        }
    }

    /// Shows what has come: new devices on the first page, where they are, any other change where it is.
    pub(super) fn show_news(self) {
        if self.busy.get_untracked() {
            return;
        }
        let first = self.view.with_untracked(FleetView::begun);
        let added = self.news.with_untracked(|news| matches!(news, News::Added(_)));
        if added && self.view.with_untracked(|view| *view != first) {
            self.go(first, Entry::Push);
        } else {
            self.ask();
        }
        self.to_the_top();
    }

    /// Goes to where the list begins, with the focus too: what had it may be gone.
    pub(super) fn to_the_top(self) {
        page::scroll_to_top();
        if let Some(table) = page::element(TABLE_ID) {
            table.set_scroll_top(0);
        }
        page::focus(TITLE_ID);
    }

    /// What a notice of this trouble offers: asking again. Not where only the server can help, and not for what the server
    /// drew: there a link loads the page anew, which works before the page lives.
    pub(super) fn retry(self, trouble: &Trouble) -> Option<Callback<()>> {
        let by_server = self.asked.get_value() == 0 && self.listing.with_untracked(Option::is_none);
        (!by_server && !trouble.is_signed_out()).then(|| Callback::new(move |()| self.ask()))
    }

    /// Says what is wrong, once: a notice that is drawn again is read out again.
    fn say(self, trouble: Option<Trouble>) {
        // What the visitor may not see any more does not stay on the page.
        if trouble.as_ref().is_some_and(Trouble::is_exclusion) {
            self.listing.set(None);
            self.news.set(News::None);
        }
        if self.trouble.with_untracked(|said| *said != trouble) {
            self.trouble.set(trouble);
        }
    }
}

impl Follower for Fleet {
    /// Presence is put into its row, a changed device is read again, new ones are counted.
    fn hear(self, change: FleetChange) {
        let row = self
            .listing
            .with_untracked(|listing| listing.as_ref()?.find(&change.device).cloned());
        match (change.kind, row) {
            (FleetChangeKind::Presence, Some(row)) => {
                if let Some(presence) = change.presence {
                    row.put_presence(presence);
                }
            }
            // What this page does not know may be anything: it is read again.
            (_, Some(row)) => {
                row.read_again(move |id, trouble| self.lose_sight(id, trouble));
                // It may stand elsewhere now, or not be asked for any more.
                if !self.view.with_untracked(FleetView::begins_with_newest) {
                    self.catch_up();
                }
            }
            (FleetChangeKind::Added, None) => self.welcome(&change),
            (_, None) => {}
        }
    }

    fn catch_up(self) {
        if !self.keeps_rows() {
            return self.ask();
        }
        if !self.catching_up.try_update_value(Reading::begin).unwrap_or(false) {
            return;
        }
        leptos::task::spawn_local(async move {
            loop {
                self.catching_up.update_value(Reading::ask);
                self.compare().await;
                if !self.catching_up.get_value().is_outdated() || !self.keeps_rows() {
                    break;
                }
            }
            self.catching_up.update_value(Reading::end);
        });
    }

    fn is_over(self) -> bool {
        self.trouble
            .with_untracked(|trouble| trouble.as_ref().is_some_and(Trouble::is_exclusion))
    }
}
