//! `/link`: a device comes aboard.
//!
//! 1. The code is typed, pasted, scanned, or stands in the link; one from a link has to be confirmed by eye.
//! 2. The page connects to the device and shows what it says about itself; the person approves, or says "not mine".
//! 3. Five steps are followed live, to the device's first session.
//! 4. It ends on the device's page.

mod entering;
mod failure;
mod progress;
mod reviewing;
mod scanner;

use gangway_client::Api;
use gangway_client::crossing::{Failure, Input, Stage, View as CrossingView};
use gangway_protocol::account::Account;
use gangway_protocol::code::UserCode;
use gangway_protocol::device::DeviceSummary;
use gangway_protocol::organisation::Role;
use gangway_protocol::path::page as paths;
use leptos::prelude::*;

use crate::address::address;
use crate::browser::crossing::Driver;
use crate::browser::held::Held;
use crate::browser::{clock, page};
use crate::components::code_field::CodeEntry;
use crate::components::frame::gate;
use crate::head::set_title;
use crate::pages::device::ARRIVED;
use crate::view::{View, view};
use crate::visit::{Language, language};
use crate::visitor::api;

/// The last tick is seen before the page turns.
const ARRIVE_AFTER_MILLIS: u32 = 700;

/// What the scenes of the page share.
#[derive(Clone, Copy)]
struct Crossing {
    t: Language,
    entry: CodeEntry,
    /// The code came by a link: the person has to say that the device shows it.
    prefilled: RwSignal<bool>,
    /// What the machine shows, while there is a crossing.
    view: RwSignal<Option<CrossingView>>,
    /// Said after an attempt that the person ended.
    farewell: RwSignal<Option<String>>,
    driver: Held<Driver>,
    api: StoredValue<Api>,
}

/// Which scene is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scene {
    Entering,
    Reviewing,
    Following,
}

impl Crossing {
    /// Starts an attempt with the code in the field.
    fn begin(self) {
        let code = match UserCode::read(&self.entry.text.read_untracked()) {
            Ok(code) => code,
            Err(error) => {
                self.entry.error.set(Some(self.t.code_error(&error)));
                return;
            }
        };
        self.prefilled.set(false);
        self.farewell.set(None);
        self.entry.error.set(None);
        let show = move |view: &CrossingView| self.show(view.clone());
        self.driver
            .set(Some(Driver::start(self.api.get_value(), &code, show)));
    }

    /// Tells the machine what the person decided.
    fn say(self, input: Input) {
        if let Some(driver) = self.driver.get() {
            driver.say(input);
        }
    }

    /// Back to the field. What was typed stays when it may be of use again.
    fn start_over(self, keep_code: bool) {
        self.driver.set(None);
        self.view.set(None);
        if !keep_code {
            self.entry.text.set(String::new());
        }
    }

    fn show(self, view: CrossingView) {
        let met = view.review.is_some();
        match &view.stage {
            // The person ended it: nothing went wrong, so nothing is shown as wrong.
            Stage::Failed(failure @ (Failure::NotMine | Failure::Cancelled)) => {
                let (cause, remedy) = failure::words(self.t, failure);
                self.farewell.set(Some(format!("{cause} {remedy}")));
                self.start_over(false);
            }
            // Before the device has introduced itself, all that can be wrong is the code or the way to it.
            Stage::Failed(failure) if !met => {
                let (cause, remedy) = failure::words(self.t, failure);
                self.entry.error.set(Some(format!("{cause} {remedy}")));
                self.start_over(true);
            }
            _ => self.view.set(Some(view)),
        }
    }

    fn scene(self) -> Scene {
        self.view.with(|view| match view {
            None => Scene::Entering,
            Some(view) => match view.stage {
                Stage::Connecting => Scene::Entering,
                Stage::Reviewing | Stage::Approving => Scene::Reviewing,
                _ => Scene::Following,
            },
        })
    }
}

/// The page.
pub(crate) fn link_page() -> View {
    let t = language();
    let crossing = Crossing {
        t,
        entry: CodeEntry::new(),
        prefilled: RwSignal::new(false),
        view: RwSignal::new(None),
        farewell: RwSignal::new(None),
        driver: Held::new(),
        api: StoredValue::new(api()),
    };
    set_title(t.add_device());
    // The fragment leaves the address at once and stays in memory, also while the person signs in (threat model, ENR-12).
    Effect::new(move |_| {
        if page::take_fragment().is_some_and(|fragment| crossing.entry.take(&fragment)) {
            crossing.prefilled.set(true);
        }
    });
    view! {
        <main id="main" class="narrow" tabindex="-1">
            {gate(move |account| scenes(crossing, account))}
        </main>
    }
}

fn scenes(crossing: Crossing, account: Account) -> View {
    let t = crossing.t;
    let scene = Memo::new(move |_| crossing.scene());
    let sees_fleet = account.may(Role::may_see_fleet);
    let prefill_allowed = account
        .organisations_where(Role::may_enrol)
        .any(|organisation| organisation.policy.prefill_code);
    Effect::new(move |_| {
        if crossing.prefilled.get() && !prefill_allowed {
            crossing.prefilled.set(false);
            crossing.entry.text.set(String::new());
            crossing.farewell.set(Some(t.prefill_off().to_owned()));
        }
    });
    arrive(crossing, sees_fleet);
    let account = StoredValue::new(account);
    view! {
        {move || match scene.get() {
            Scene::Entering => entering::entering(t, crossing),
            Scene::Reviewing => reviewing::reviewing(t, crossing, &account.read_value()),
            Scene::Following => progress::following(t, crossing, sees_fleet),
        }}
    }
}

/// Goes on to the device's page once the device is online.
fn arrive(crossing: Crossing, sees_fleet: bool) {
    let address = address();
    let arrived = Memo::new(move |_| {
        crossing.view.with(|view| {
            view.as_ref()
                .filter(|view| view.stage == Stage::Online)
                .and_then(|view| view.device.clone())
        })
    });
    Effect::new(move |_| {
        let Some(DeviceSummary { id, .. }) = arrived.get().filter(|_| sees_fleet) else {
            return;
        };
        leptos::task::spawn_local(async move {
            clock::sleep(ARRIVE_AFTER_MILLIS).await;
            address.go(&format!("{}?{ARRIVED}", paths::fleet_device(&id)));
        });
    });
}
