//! The signers of each organisation: added, changed, ordered, removed.

mod endings;
mod form;
mod trial;

use gangway_protocol::organisation::{Organisation, Role};
use gangway_protocol::signer::{Signer, SignerKind, SignerUpdate};
use leptos::prelude::*;

use self::endings::EndingsDue;
use self::form::SignerForm;
use self::trial::SignerTrial;
use super::lists::{List, ListTrouble, all, ended, focus_heading};
use crate::browser::page;
use crate::components::confirm::{Confirm, Question};
use crate::components::dialog::Dialog;
use crate::components::icon::{Glyph, Icon};
use crate::components::icon_button::IconButton;
use crate::components::role::role_name;
use crate::components::signer_kind::{kind_name, kind_place};
use crate::messages::messages;
use crate::trouble::Outcome;
use crate::visit::language;
use crate::visitor::{api, with_fresh_proof};

/// Before the id of a signer, in the fragment of a page that is loaded anew to try it.
const TRY: &str = "try-";

/// Which signers can be tried on this page.
#[derive(Clone, Copy)]
struct Trials {
    /// Origins to which the page may connect: those of the signers that there were when it was loaded.
    reachable: StoredValue<Vec<String>>,
    /// The one to try at once.
    wanted: RwSignal<Option<String>>,
}

impl Trials {
    fn reaches(self, kind: &SignerKind) -> bool {
        self.reachable
            .with_value(|reachable| kind.origins().iter().all(|origin| reachable.contains(origin)))
    }
}

/// All of them.
#[cfg_attr(feature = "hydrate", island(lazy))]
#[cfg_attr(not(feature = "hydrate"), island)]
pub(crate) fn Signers(
    /// Those of each organisation that the person administers, as the server read them.
    lists: Vec<(Organisation, Outcome<Vec<Signer>>)>,
    /// Origins of signers to which the page may connect.
    reachable: Vec<String>,
) -> impl IntoView {
    let several = lists.len() > 1;
    let trials = Trials {
        reachable: StoredValue::new(reachable),
        wanted: RwSignal::new(None),
    };
    Effect::new(move |_| {
        trials.wanted.set(page::take_fragment().and_then(|fragment| {
            let wanted = fragment.strip_prefix(TRY)?;
            Some(wanted.to_owned())
        }));
    });
    lists
        .into_iter()
        .map(|(organisation, first)| view! { <Section organisation several first trials /> })
        .collect_view()
}

#[component]
fn Section(
    organisation: Organisation,
    /// Whether the organisation has to be named.
    several: bool,
    first: Outcome<Vec<Signer>>,
    trials: Trials,
) -> impl IntoView {
    let t = language();
    let list = List::new(first);
    let open = RwSignal::new(false);
    let title = heading(&organisation);
    let labelled = title.clone();
    let name = organisation.name.clone();
    let is_below = organisation.parent.is_some();
    let organisation = StoredValue::new(organisation);
    let retry = Callback::new(move |()| read(list, organisation));
    // Drawn anew where anything of a line has changed, its place too.
    let lines = move || list.items.get().into_iter().enumerate().collect::<Vec<_>>();
    view! {
        <section class="section" aria-labelledby=labelled>
            <div class="section-head">
                <h2 id=title tabindex="-1">{if several || is_below { name } else { t.signers_list().to_owned() }}</h2>
                <button class="button" type="button" on:click=move |_| open.set(true)>
                    <Icon glyph=Glyph::Add />
                    {t.signer_add()}
                </button>
            </div>
            <ListTrouble trouble=list.trouble retry />
            <EndingsDue organisation signers=list.items trials />
            <ul class="lines">
                <For each=lines key=|(place, signer)| format!("{place} {signer:?}") let((place, signer))>
                    <Line place signer list organisation trials />
                </For>
            </ul>
            <Dialog open label=t.signer_add()>
                <SignerForm present=None list organisation open />
            </Dialog>
        </section>
    }
}

#[component]
fn Line(
    /// From 0.
    place: usize,
    signer: Signer,
    list: List<Signer>,
    organisation: StoredValue<Organisation>,
    trials: Trials,
) -> impl IntoView {
    let t = language();
    let messages = messages();
    let editing = RwSignal::new(false);
    let trying = RwSignal::new(false);
    let asked = RwSignal::new(false);
    let question = Question {
        title: t.signer_remove_title(&signer.name),
        says: vec![t.signer_remove_says()],
        verb: t.signer_remove(),
        dangerous: true,
    };
    let Signer {
        id,
        name,
        kind,
        least_role,
        disabled,
        inherited,
    } = signer.clone();
    let is_own = !inherited;
    let id = StoredValue::new(id);
    let remove = async move || {
        let (home, id) = (organisation.get_value(), id.get_value());
        ended(api().remove_signer(&home.id, &id).await)?;
        list.remove(|signer| signer.id == id);
        focus_heading(heading(&home));
        Ok(())
    };
    let raise = move || {
        let update = SignerUpdate {
            position: u32::try_from(place.saturating_sub(1)).ok(),
            ..SignerUpdate::default()
        };
        let (home, id) = (organisation.get_value(), id.get_value());
        leptos::task::spawn_local(async move {
            let api = api();
            match with_fresh_proof(&api, async || api.change_signer(&home.id, &id, &update).await).await {
                Ok(_) => read(list, organisation),
                Err(trouble) => {
                    if let Some(words) = trouble.words(t) {
                        messages.warn(words);
                    }
                }
            }
        });
    };
    let place_name = kind_place(&kind);
    let can_be_tried = !disabled && matches!(kind, SignerKind::AwsIot(_) | SignerKind::PlgdHub(_));
    let is_reachable = trials.reaches(&kind);
    let try_it = move || {
        if is_reachable {
            trying.set(true);
        } else {
            page::reload_with_fragment(&format!("{TRY}{}", id.get_value()));
        }
    };
    Effect::new(move |_| {
        let is_wanted = trials
            .wanted
            .with(|wanted| wanted.as_deref() == Some(id.get_value().as_str()));
        if is_wanted && is_reachable {
            trials.wanted.set(None);
            trying.set(true);
        }
    });
    let tried = signer.clone();
    view! {
        <li>
            <Icon glyph=Glyph::Certificate />
            <div>
                <p>
                    {name.clone()} " " <span class="chip">{kind_name(t, &kind)}</span>
                    {(place == 0 && !disabled).then(|| view! { " " <span class="chip good">{t.signer_first()}</span> })}
                    {(!is_own).then(|| view! { " " <span class="chip">{t.signer_inherited()}</span> })}
                    {disabled.then(|| view! { " " <span class="chip warn">{t.signer_disabled()}</span> })}
                    {(least_role > Role::Installer)
                        .then(|| view! { " " <span class="chip">{t.signer_from_role(role_name(t, least_role))}</span> })}
                </p>
                {place_name.map(|place| view! { <p class="soft small">{place}</p> })}
            </div>
            <div class="row">
                {(place > 0 && is_own).then(|| view! { <IconButton glyph=Glyph::Up label=t.signer_raise(&name) on_press=raise /> })}
                {can_be_tried
                    .then(|| {
                        view! {
                            <button class="button" type="button" on:click=move |_| try_it()>
                                {t.signer_try()}
                                <span class="hidden-text">" " {name.clone()}</span>
                            </button>
                        }
                    })}
                {is_own
                    .then(|| {
                        view! {
                            <IconButton glyph=Glyph::Edit label=t.signer_edit(&name) on_press=move || editing.set(true) />
                            <IconButton glyph=Glyph::Trash label=t.signer_remove_label(&name) on_press=move || asked.set(true) />
                        }
                    })}
            </div>
            <Confirm open=asked question=Signal::stored(question) answer=remove />
            <Dialog open=trying label=t.trial_title(&name)>
                <SignerTrial signer=tried.clone() open=trying />
            </Dialog>
            <Dialog open=editing label=t.signer_edit(&name)>
                <SignerForm present=Some(signer.clone()) list organisation open=editing />
            </Dialog>
        </li>
    }
}

/// Reads the list of an organisation anew.
fn read(list: List<Signer>, organisation: StoredValue<Organisation>) {
    list.read(async move || api().signers(&organisation.get_value().id, &all()).await);
}

fn heading(organisation: &Organisation) -> String {
    format!("signers-{}", organisation.id)
}
