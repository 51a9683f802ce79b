//! Recovery codes, for the day when there is no passkey.

use gangway_protocol::account::RecoveryCodes as Codes;
use leptos::prelude::*;

use crate::components::confirm::{Confirm, Question};
use crate::components::recovery_codes::RecoveryCodeList;
use crate::visit::language;
use crate::visitor::api;

const TITLE: &str = "recovery-title";

/// The section: how many are left, and fresh ones, which stay on the page once they are made.
#[component]
pub(super) fn RecoveryCodes(
    /// How many unused ones there are.
    left: u32,
) -> impl IntoView {
    let t = language();
    let left = RwSignal::new(u64::from(left));
    let fresh = RwSignal::new(None::<Codes>);
    let open = RwSignal::new(false);
    let question = Signal::derive(move || Question {
        title: t.recovery_codes_renew_title().to_owned(),
        says: vec![t.recovery_codes_renew_says_1(), t.recovery_codes_renew_says_2()],
        verb: t.recovery_codes_renew(),
        dangerous: left.get() > 0,
    });
    let renew = async move || {
        let codes = api().renew_recovery_codes().await?;
        left.set(u64::try_from(codes.codes.len()).unwrap_or_default());
        fresh.set(Some(codes));
        Ok(())
    };
    view! {
        <section class="section" aria-labelledby=TITLE>
            <div class="section-head">
                <h2 id=TITLE tabindex="-1">{t.recovery_codes()}</h2>
                <button class="button" type="button" on:click=move |_| open.set(true)>{t.recovery_codes_renew()}</button>
            </div>
            <p class="soft small">{move || t.recovery_codes_left(left.get())} " " {t.recovery_codes_text()}</p>
            {move || fresh.get().map(|codes| view! { <RecoveryCodeList codes /> })}
            <Confirm open question answer=renew />
        </section>
    }
}
