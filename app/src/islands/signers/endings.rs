//! Certificates that were revoked here and go on at a signer elsewhere: told, and ended there with the person's own credentials.

use gangway_protocol::certificate::Certificate;
use gangway_protocol::id::SignerId;
use gangway_protocol::organisation::Organisation;
use gangway_protocol::signer::{Signer, SignerKind};
use gangway_signing::{Ending, EndingStep};
use leptos::either::Either;
use leptos::prelude::*;

use super::super::lists::all;
use super::Trials;
use crate::browser::{page, signers};
use crate::components::dialog::Dialog;
use crate::components::notice::{Complaint, Notice, Tone};
use crate::islands::credentials::Credentials;
use crate::visit::language;
use crate::visitor::api;

/// Of one organisation: a notice for each signer at which something is to be ended.
#[component]
pub(super) fn EndingsDue(
    organisation: StoredValue<Organisation>,
    /// Its signers, as they are shown.
    signers: RwSignal<Vec<Signer>>,
    trials: Trials,
) -> impl IntoView {
    let due = RwSignal::new(Vec::<Certificate>::new());
    let read = Callback::new(move |()| {
        leptos::task::spawn_local(async move {
            // What cannot be read now is read with the next page.
            if let Ok(page) = api().endings_due(&organisation.get_value().id, &all()).await {
                let _ = due.try_set(page.items);
            }
        });
    });
    Effect::new(move |_| read.run(()));
    let at = move |id: &SignerId| -> Vec<Certificate> {
        let of_it = |certificate: &&Certificate| certificate.signer == *id;
        due.with(|due| due.iter().filter(of_it).cloned().collect())
    };
    let notices = move || {
        signers
            .get()
            .into_iter()
            .filter_map(|signer| {
                let certificates = at(&signer.id);
                if certificates.is_empty() {
                    None
                } else if signer.kind.is_corporate() {
                    Some(Either::Left(
                        view! { <DueAtCorporate signer certificates read /> },
                    ))
                } else {
                    Some(Either::Right(view! { <DueAt signer certificates trials read /> }))
                }
            })
            .collect_view()
    };
    view! { <div class="stack">{notices}</div> }
}

/// At a corporate CA, which nobody here has credentials for: the server ends them, or people there.
#[component]
fn DueAtCorporate(
    signer: Signer,
    certificates: Vec<Certificate>,
    /// Reads anew what is due.
    read: Callback<()>,
) -> impl IntoView {
    let t = language();
    if !matches!(signer.kind, SignerKind::Est(_)) {
        let said = t.endings_by_server(certificates.len(), &signer.name);
        return Either::Left(view! { <Notice tone=Tone::Warn>{said}</Notice> });
    }
    let serials: Vec<&str> = certificates
        .iter()
        .map(|certificate| certificate.serial.as_str())
        .collect();
    let said = t.endings_by_hand(&serials.join(", "), &signer.name);
    let message = RwSignal::new(None::<String>);
    let press = move |_| {
        let certificates = certificates.clone();
        leptos::task::spawn_local(async move {
            for certificate in certificates {
                if let Err(error) = api().record_ending(&certificate.sha256).await {
                    let _ = message.try_set(Some(error.to_string()));
                    return;
                }
            }
            read.run(());
        });
    };
    Either::Right(view! {
        <Notice tone=Tone::Warn>
            <p>{said}</p>
            <div class="row">
                <button class="button" type="button" on:click=press>
                    {t.endings_done()}
                </button>
            </div>
            <Complaint message />
        </Notice>
    })
}

#[component]
fn DueAt(
    signer: Signer,
    certificates: Vec<Certificate>,
    trials: Trials,
    /// Reads anew what is due.
    read: Callback<()>,
) -> impl IntoView {
    let t = language();
    let open = RwSignal::new(false);
    Effect::new(move |was: Option<bool>| {
        let is = open.get();
        if was == Some(true) && !is {
            read.run(());
        }
        is
    });
    let is_reachable = trials.reaches(&signer.kind);
    let press = move |_| {
        if is_reachable {
            open.set(true);
        } else {
            page::reload();
        }
    };
    let label = t.endings_title(&signer.name);
    let due = t.endings_due(certificates.len(), &signer.name);
    view! {
        <Notice tone=Tone::Warn>
            <p>{due}</p>
            <div class="row">
                <button class="button" type="button" on:click=press>
                    {t.endings_begin()}
                </button>
            </div>
        </Notice>
        <Dialog open label=label>
            <EndThem signer=signer.clone() certificates=certificates.clone() open />
        </Dialog>
    }
}

/// What it came to, for the time being.
#[derive(Clone, PartialEq)]
enum Course {
    /// This many are ended; one more is being ended.
    Going(usize),
    /// Credentials are wanted; why the former ones were refused.
    Wanting(Option<String>),
    Over,
}

/// Ends them one after the other. What fails is told, and the next one is taken.
#[component]
fn EndThem(signer: Signer, certificates: Vec<Certificate>, open: RwSignal<bool>) -> impl IntoView {
    let t = language();
    let course = RwSignal::new(Course::Going(0));
    let ended = RwSignal::new(0_usize);
    let failed = RwSignal::new(Vec::<String>::new());
    let count = certificates.len();
    let title = t.endings_title(&signer.name);
    let left: Vec<(String, Box<Ending>)> = certificates
        .iter()
        .rev()
        .filter_map(|certificate| {
            let ending = Ending::of(&signer, certificate)?;
            Some((certificate.serial.clone(), Box::new(ending)))
        })
        .collect();
    let left = StoredValue::new(left);
    let signer = StoredValue::new(signer);
    let go_on = Callback::new(move |()| {
        leptos::task::spawn_local(async move {
            let api = api();
            while let Some((serial, ending)) = left.try_update_value(Vec::pop).flatten() {
                let _ = course.try_set(Course::Going(ended.try_get_untracked().unwrap_or_default()));
                let (ending, step) = signers::go_on_with_ending(&api, ending).await;
                match step {
                    Ok(EndingStep::Done) => {
                        let _ = ended.try_update(|ended| *ended += 1);
                    }
                    Ok(EndingStep::NeedCredentials { refused }) => {
                        let _ = left.try_update_value(|left| left.push((serial, ending)));
                        let _ = course.try_set(Course::Wanting(refused));
                        return;
                    }
                    Ok(EndingStep::Send(_)) => {}
                    Err(error) => {
                        let _ = failed
                            .try_update(|failed| failed.push(t.ending_failed(&serial, &error.to_string())));
                    }
                }
            }
            let _ = course.try_set(Course::Over);
        });
    });
    Effect::new(move |_| go_on.run(()));
    let said = move || match course.get() {
        Course::Wanting(refused) => Some(Either::Left(
            view! { <Credentials signer=signer.get_value() refused given=go_on /> },
        )),
        Course::Going(done) => Some(Either::Right(
            view! { <p role="status">{t.endings_going(done + 1, count)}</p> },
        )),
        Course::Over => {
            let words = t.endings_over(ended.get_untracked(), count);
            Some(Either::Right(view! { <p role="status">{words}</p> }))
        }
    };
    let trouble = Signal::derive(move || {
        let failed = failed.get();
        (!failed.is_empty()).then(|| failed.join(" "))
    });
    view! {
        <h2>{title}</h2>
        <div class="stack dialog-field">
            <p class="soft">{t.endings_say()}</p>
            {said}
            <Complaint message=trouble />
            <div class="dialog-end">
                <button class="button" type="button" on:click=move |_| open.set(false)>
                    {t.close()}
                </button>
            </div>
        </div>
    }
}
