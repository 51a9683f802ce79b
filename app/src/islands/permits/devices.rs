//! Devices that are entered before they appear: typed, or pasted from a spreadsheet; sent in pieces, with what was refused by line.

use gangway_client::Api;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Organisation;
use gangway_protocol::permit::{
    ImportOutcome, MAX_IMPORT, Permit, PermitKind, Preapproval, PreapprovalImport, RefusedRow,
};
use gangway_protocol::secret::SecretString;
use leptos::prelude::*;

use super::super::lists::List;
use super::read;
use crate::components::notice::{Complaint, Notice, Tone};
use crate::preference::Language;
use crate::visit::language;
use crate::visitor::{CeremonyTrouble, api, with_fresh_proof};

/// Rows of one request: it holds 64 KiB, and each of these has at most a few hundred bytes.
const PIECE: usize = 100;
const _: () = assert!(PIECE <= MAX_IMPORT);
/// Lines that were refused of which the first are shown.
const SHOWN: usize = 20;

/// A row with the number of its line, from 1.
struct Row {
    line: usize,
    device: Preapproval,
}

/// Reads what was typed or pasted: on each line an id, a secret, and perhaps a name.
fn rows(t: Language, text: &str) -> Result<Vec<Row>, String> {
    let mut found = Vec::new();
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let between = ['\t', ';', ',']
            .into_iter()
            .find(|between| line.contains(*between));
        let mut parts = between.map_or_else(Vec::new, |between| line.splitn(3, between).collect());
        let name = (parts.len() == 3).then(|| parts.pop()).flatten();
        let [id, secret] = parts[..] else {
            return Err(t.permit_row_short(number + 1));
        };
        found.push(Row {
            line: number + 1,
            device: Preapproval {
                device_id: id.trim().to_owned(),
                secret: SecretString::new(secret.trim().to_owned()),
                name: name
                    .map(str::trim)
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned),
                labels: Vec::new(),
                expires_at: None,
            },
        });
    }
    match found.is_empty() {
        true => Err(t.permit_rows_none().to_owned()),
        false => Ok(found),
    }
}

/// What came of a list.
#[derive(Clone, Default)]
struct Came {
    outcome: ImportOutcome,
    was_dry: bool,
}

/// Sends the rows in pieces; stops at the first that is refused, unless it only looks.
async fn send(
    api: &Api,
    organisation: &OrganisationId,
    rows: &[Row],
    dry_run: bool,
    done: RwSignal<usize>,
) -> Result<ImportOutcome, CeremonyTrouble> {
    let mut whole = ImportOutcome::default();
    for piece in rows.chunks(PIECE) {
        let request = PreapprovalImport {
            devices: piece.iter().map(|row| row.device.clone()).collect(),
            signer: None,
            dry_run,
        };
        let outcome =
            with_fresh_proof(api, async || api.preapprove_devices(organisation, &request).await).await?;
        whole.added += outcome.added;
        whole.unchanged += outcome.unchanged;
        let lines = outcome.refused.into_iter().filter_map(|refused| {
            let row = piece.get(usize::try_from(refused.row).ok()?)?;
            Some(RefusedRow {
                row: u32::try_from(row.line).unwrap_or(u32::MAX),
                ..refused
            })
        });
        whole.refused.extend(lines);
        if !whole.refused.is_empty() && !dry_run {
            break;
        }
        done.update(|done| *done += piece.len());
    }
    Ok(whole)
}

/// The form in its dialog.
#[component]
pub(super) fn DevicesForm(
    /// Where they stand afterwards.
    list: List<Permit>,
    /// Whose they are.
    organisation: StoredValue<Organisation>,
    /// Whether the dialog shows.
    open: RwSignal<bool>,
) -> impl IntoView {
    let t = language();
    let text = RwSignal::new(String::new());
    let message = RwSignal::new(None::<String>);
    let came = RwSignal::new(None::<Came>);
    let (done, of) = (RwSignal::new(0usize), RwSignal::new(0usize));
    let busy = RwSignal::new(false);
    let enter = move |dry_run: bool| {
        if busy.get_untracked() {
            return;
        }
        came.set(None);
        let rows = match rows(t, &text.get_untracked()) {
            Ok(rows) => rows,
            Err(why) => return message.set(Some(why)),
        };
        busy.set(true);
        message.set(None);
        done.set(0);
        of.set(rows.len());
        let home = organisation.get_value().id;
        leptos::task::spawn_local(async move {
            let api = api();
            // Everything is looked at before anything is kept.
            let outcome = match send(&api, &home, &rows, true, done).await {
                Ok(looked) if !dry_run && looked.refused.is_empty() => {
                    done.set(0);
                    send(&api, &home, &rows, false, done).await
                }
                looked => looked,
            };
            match outcome {
                Ok(outcome) => {
                    if !dry_run && outcome.refused.is_empty() {
                        text.set(String::new());
                        read(list, organisation, PermitKind::Preapproval);
                    }
                    came.set(Some(Came {
                        was_dry: dry_run,
                        outcome,
                    }));
                }
                Err(trouble) => message.set(trouble.words(t)),
            }
            busy.set(false);
        });
    };
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        enter(false);
    };
    view! {
        <h2>{t.permit_add_devices()}</h2>
        <form class="stack dialog-field" on:submit=save>
            <div class="field">
                <label for="preapproval-rows">{t.permit_rows()}</label>
                <textarea
                    id="preapproval-rows"
                    class="code"
                    rows="8"
                    spellcheck="false"
                    autocomplete="off"
                    placeholder="thermometer-7, 4Q7M-2KXB, Hall 3"
                    aria-describedby="preapproval-rows-hint"
                    bind:value=text
                ></textarea>
                <p id="preapproval-rows-hint" class="hint">{t.permit_rows_hint()}</p>
            </div>
            <p class="soft small" role="status">
                {move || busy.get().then(|| t.permit_rows_sent(done.get(), of.get()))}
            </p>
            {move || came.get().map(|came| view! { <Result came /> })}
            <Complaint message />
            <div class="dialog-end">
                <button class="button" type="button" disabled=busy on:click=move |_| open.set(false)>{t.done()}</button>
                <button class="button" type="button" disabled=busy on:click=move |_| enter(true)>{t.permit_check()}</button>
                <button class="button primary" type="submit" disabled=busy aria-busy=move || busy.get().to_string()>
                    {t.permit_add_devices()}
                </button>
            </div>
        </form>
    }
}

#[component]
fn Result(came: Came) -> impl IntoView {
    let t = language();
    let Came { outcome, was_dry } = came;
    if outcome.refused.is_empty() {
        let words = if was_dry {
            t.permit_rows_fit(outcome.added, outcome.unchanged)
        } else {
            t.permit_rows_added(outcome.added, outcome.unchanged)
        };
        return view! {
            <Notice tone=Tone::Plain>
                <p role="status">{words}</p>
            </Notice>
        }
        .into_any();
    }
    let lines = outcome
        .refused
        .into_iter()
        .take(SHOWN)
        .map(|refused| view! { <li>{t.permit_row_refused(refused.row, &refused.device_id, &refused.detail)}</li> })
        .collect_view();
    view! {
        <Notice tone=Tone::Bad>
            <p role="alert">{t.permit_rows_refused()}</p>
            <ul>{lines}</ul>
        </Notice>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_people_and_spreadsheets_write_them() {
        let text = "a, 1, Hall 3, left\n\n b\t2 \nc;3;";
        let read = rows(Language::English, text).expect("rows");
        let shown: Vec<_> = read
            .iter()
            .map(|row| {
                let device = &row.device;
                (
                    row.line,
                    device.device_id.as_str(),
                    device.secret.expose(),
                    device.name.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                (1, "a", "1", Some("Hall 3, left")),
                (3, "b", "2", None),
                (4, "c", "3", None)
            ]
        );
    }

    #[test]
    fn a_line_without_a_secret_is_named() {
        let why = rows(Language::English, "a, 1\nb").err().expect("a complaint");
        assert!(why.contains("Line 2"), "{why}");
        assert!(rows(Language::English, " \n").is_err());
    }
}
