//! Recovery codes: shown once, to be kept outside this computer.

use gangway_protocol::account::RecoveryCodes;

use super::copy::copy_button;
use super::icon::{Icon, icon};
use crate::browser::clipboard;
use crate::view::{View, view};
use crate::visit::language;

/// The codes, with ways to keep them.
pub(crate) fn recovery_codes(codes: &RecoveryCodes) -> View {
    let t = language();
    let text: String = codes
        .codes
        .iter()
        .map(|code| format!("{}\n", code.expose()))
        .collect();
    let file = text.clone();
    view! {
        <div class="stack">
            <p>{t.recovery_codes_shown_once()}</p>
            <ul class="recovery-codes mono">{codes.codes.iter().map(|code| view! { <li>{code.expose().to_owned()}</li> }).collect::<View>()}</ul>
            <div class="row">
                <button class="button" type="button" on:click=move |_| clipboard::download("gangway-recovery-codes.txt", &file)>
                    {icon(Icon::Download)}
                    {t.recovery_codes_download()}
                </button>
                {copy_button(text)}
            </div>
        </div>
    }
}
