//! A registration key or a ticket, filled in; then the key itself, once.

use gangway_protocol::organisation::Organisation;
use gangway_protocol::permit::{MAX_USES, Permit, PermitKind, PermitMode, PermitRequest};
use gangway_protocol::time::UnixMillis;
use leptos::prelude::*;

use super::super::lists::{List, Once};
use super::{mode_words, read};
use crate::components::dialog::FormEnd;
use crate::components::notice::Complaint;
use crate::components::shown_once::ShownOnce;
use crate::visit::{language, now};
use crate::visitor::{api, with_fresh_proof};

/// What is filled in.
#[derive(Clone, Copy, Default)]
struct Fields {
    name: RwSignal<String>,
    mode: RwSignal<String>,
    serials: RwSignal<String>,
    uses: RwSignal<String>,
    days: RwSignal<String>,
    networks: RwSignal<String>,
    labels: RwSignal<String>,
}

impl Fields {
    fn mode(self) -> PermitMode {
        PermitMode::from_name(&self.mode.get()).unwrap_or_default()
    }

    fn request(self, kind: PermitKind) -> PermitRequest {
        let mode = PermitMode::from_name(&self.mode.get_untracked()).unwrap_or_default();
        let list = |text: RwSignal<String>, between: &[char]| {
            let text = text.get_untracked();
            let parts = text.split(between).map(str::trim).filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect::<Vec<_>>()
        };
        let days: Option<i64> = self.days.get_untracked().trim().parse().ok();
        PermitRequest {
            kind,
            name: self.name.get_untracked(),
            mode,
            signer: None,
            labels: list(self.labels, &[',']),
            networks: list(self.networks, &[',', ' ']),
            max_uses: self.uses.get_untracked().trim().parse().ok(),
            expires_at: days.map(|days| now().plus(days * UnixMillis::DAY)),
            serials: match mode {
                PermitMode::List => list(self.serials, &['\n']),
                PermitMode::Auto | PermitMode::Lobby => Vec::new(),
            },
        }
    }
}

/// The form in its dialog.
#[component]
pub(super) fn PermitForm(
    /// What is made.
    kind: PermitKind,
    /// Where it stands afterwards.
    list: List<Permit>,
    /// Whose it is.
    organisation: StoredValue<Organisation>,
    /// Whether the dialog shows.
    open: RwSignal<bool>,
    /// The key, as long as it is shown.
    made: RwSignal<Option<String>>,
) -> impl IntoView {
    let t = language();
    let fields = Fields::default();
    fields.mode.set(PermitMode::default().as_str().to_owned());
    if kind == PermitKind::Ticket {
        fields.uses.set("1".to_owned());
    }
    let message = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let once = Once::new();
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        message.set(None);
        let home = organisation.get_value().id;
        let request = fields.request(kind);
        leptos::task::spawn_local(async move {
            let api = api();
            let key = once.key(&request);
            match with_fresh_proof(&api, async || api.make_permit(&home, &request, &key).await).await {
                Ok(another) => {
                    made.set(Some(another.key.expose().to_owned()));
                    read(list, organisation, kind);
                }
                Err(trouble) => message.set(trouble.words(t)),
            }
            busy.set(false);
        });
    };
    let dismiss = Callback::new(move |()| {
        open.set(false);
        made.set(None);
    });
    let title = super::words(t, kind).make;
    let modes: &[PermitMode] = match kind {
        PermitKind::Ticket => &[PermitMode::Auto, PermitMode::Lobby],
        _ => &PermitMode::ALL,
    };
    let options = modes
        .iter()
        .map(|mode| view! { <option value=mode.as_str()>{mode_words(t, *mode)}</option> })
        .collect_view();
    let id = move |field: &str| format!("{}-{field}", kind.as_str());
    let text = move |field: &str, label: &'static str, hint: &'static str, value: RwSignal<String>| {
        let (name, about) = (id(field), format!("{}-hint", id(field)));
        view! {
            <div class="field">
                <label for=name.clone()>{label}</label>
                <input id=name type="text" autocomplete="off" aria-describedby=about.clone() bind:value=value />
                <p id=about class="hint">{hint}</p>
            </div>
        }
    };
    let number =
        move |field: &str, label: &'static str, hint: &'static str, most: u32, value: RwSignal<String>| {
            let (name, about) = (id(field), format!("{}-hint", id(field)));
            view! {
                <div class="field">
                    <label for=name.clone()>{label}</label>
                    <input
                        id=name
                        type="number"
                        min="1"
                        max=most.to_string()
                        aria-describedby=about.clone()
                        bind:value=value
                    />
                    <p id=about class="hint">{hint}</p>
                </div>
            }
        };
    view! {
        <h2>{title}</h2>
        {move || made.get().map(|made| view! { <ShownOnce says=t.permit_shown_once() made dismiss /> })}
        <form class="stack dialog-field" hidden=move || made.read().is_some() on:submit=save>
            <div class="field">
                <label for=id("name")>{t.permit_name()}</label>
                <input id=id("name") type="text" required maxlength="64" autocomplete="off" bind:value=fields.name />
            </div>
            <div class="field">
                <label for=id("mode")>{t.permit_mode()}</label>
                <select id=id("mode") bind:value=fields.mode>{options}</select>
            </div>
            <div class="field" hidden=move || fields.mode() != PermitMode::List>
                <label for=id("serials")>{t.permit_serials()}</label>
                <textarea
                    id=id("serials")
                    class="code"
                    rows="5"
                    aria-describedby=id("serials-hint")
                    bind:value=fields.serials
                ></textarea>
                <p id=id("serials-hint") class="hint">{t.permit_serials_hint()}</p>
            </div>
            {number("uses", t.permit_uses_field(), t.permit_uses_hint(), MAX_USES, fields.uses)}
            {number("days", t.permit_days(), t.permit_days_hint(), 3660, fields.days)}
            {text("networks", t.permit_networks(), t.permit_networks_hint(), fields.networks)}
            {text("labels", t.permit_labels(), t.permit_labels_hint(), fields.labels)}
            <Complaint message />
            <FormEnd open verb=title busy />
        </form>
    }
}
