//! Recovery codes: shown once, to be kept outside this computer.

use gangway_protocol::account::RecoveryCodes;
use leptos::prelude::*;

use super::copy::CopyFirst;
use super::icon::{Glyph, Icon};
use crate::browser::clipboard;
use crate::visit::language;

/// The codes, with ways to keep them.
#[component]
pub(crate) fn RecoveryCodeList(
    /// As the server made them.
    codes: RecoveryCodes,
) -> impl IntoView {
    let t = language();
    let codes: Vec<String> = codes.codes.iter().map(|code| code.expose().to_owned()).collect();
    let text = codes.iter().fold(String::new(), |text, code| text + code + "\n");
    let file = text.clone();
    view! {
        <div class="stack">
            <p>{t.recovery_codes_shown_once()}</p>
            <ul class="recovery-codes mono">{codes.into_iter().map(|code| view! { <li>{code}</li> }).collect_view()}</ul>
            <div class="row">
                <CopyFirst text />
                <button class="button" type="button" on:click=move |_| clipboard::download("gangway-recovery-codes.txt", &file)>
                    <Icon glyph=Glyph::Download />
                    {t.recovery_codes_download()}
                </button>
            </div>
        </div>
    }
}
