//! A certificate: what a person compares, how much of its life is over, and the file itself.

use gangway_protocol::certificate::{Certificate, RevocationReason};
use gangway_protocol::time::UnixMillis;
use leptos::prelude::*;

use super::copy::CopyButton;
use super::facts::Fact;
use super::icon::{Glyph, Icon};
use super::moment::{Moment, TimeFormat};
use crate::browser::clipboard;
use crate::format;
use crate::visit::{language, now};

/// One certificate: how long it lives and what became of it; what people compare lies behind a disclosure.
#[component]
pub(crate) fn CertificateDetails(
    /// As the server tells it.
    certificate: Certificate,
) -> impl IntoView {
    let t = language();
    let fingerprint = certificate.sha256.to_string();
    let file = format!(
        "{}-{}.pem",
        certificate.device,
        fingerprint.get(..8).unwrap_or_default()
    );
    let chain = certificate.chain.clone();
    let minute = |name: &'static str, at: Option<UnixMillis>| {
        at.map(|at| view! { <Fact name><Moment at show=TimeFormat::Minute /></Fact> })
    };
    let digits = |name: &'static str, hex: &str| {
        let hex = format::grouped(hex);
        view! { <Fact name><span class="fingerprint mono">{hex}</span></Fact> }
    };
    view! {
        {certificate
            .revocation
            .is_none()
            .then(|| view! { <Life from=certificate.not_before until=certificate.not_after /> })}
        <dl class="facts">
            <Fact name=t.valid()>
                <Moment at=certificate.not_before show=TimeFormat::Day /> " – " <Moment at=certificate.not_after show=TimeFormat::Day />
            </Fact>
            {certificate
                .revocation
                .map(|revocation| {
                    let name = match revocation.reason {
                        RevocationReason::CertificateHold => t.on_hold(),
                        _ => t.revoked(),
                    };
                    view! {
                        <Fact name>
                            <span class="chip bad">{t.reason_name(revocation.reason)}</span> " " <Moment at=revocation.at show=TimeFormat::Minute />
                        </Fact>
                    }
                })}
            {certificate
                .ending_due
                .then(|| {
                    view! {
                        <Fact name=t.at_its_signer()>
                            <span class="chip warn">{t.ending_due()}</span>
                        </Fact>
                    }
                })}
            {minute(t.revoked_superseded(), certificate.superseded_at)}
            {minute(t.still_admitted_until(), certificate.grace_until)}
        </dl>
        <details class="fold">
            <summary class="textual">{t.certificate_digits()}</summary>
            <dl class="facts">
                <Fact name=t.issuer()>{certificate.issuer}</Fact>
                {certificate.external_id.map(|id| view! { <Fact name=t.external_id()><span class="fingerprint mono">{id}</span></Fact> })}
                <Fact name=t.subject()>{certificate.subject}</Fact>
                <Fact name=t.key()>{certificate.key}</Fact>
                {digits(t.serial_number(), &certificate.serial)}
                {digits(t.fingerprint(), &fingerprint)}
                {digits(t.key_fingerprint(), &certificate.spki_sha256.to_string())}
                {minute(t.issued(), Some(certificate.issued_at))}
                {minute(t.delivered(), certificate.delivered_at)}
                {minute(t.proven(), certificate.proven_at)}
            </dl>
        </details>
        <div class="row">
            <button class="button" type="button" on:click=move |_| clipboard::download(&file, &chain)>
                <Icon glyph=Glyph::Download />
                {t.download_chain()}
            </button>
            <CopyButton text=certificate.chain />
        </div>
    }
}

/// How much of a life is over, as a line and in words. A revoked certificate has no life left to show.
#[component]
fn Life(from: UnixMillis, until: UnixMillis) -> impl IntoView {
    let over = percent_over(from, until, now());
    view! {
        <p class="soft small">{language().life_over(over)}</p>
        <svg class="life" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
            <path d="M0 .5h100" />
            <path class="over" d=format!("M0 .5h{over}") />
        </svg>
    }
}

/// How much of the time from one instant to another is over, in whole percent: 100 no sooner than all of it is.
fn percent_over(from: UnixMillis, until: UnixMillis, now: UnixMillis) -> i64 {
    let whole = until.since(from).max(1);
    now.since(from).clamp(0, whole).saturating_mul(100) / whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_over_when_all_of_it_is() {
        let over = |now| percent_over(UnixMillis(1_000), UnixMillis(2_000), UnixMillis(now));
        assert_eq!(over(0), 0);
        assert_eq!(over(1_999), 99);
        assert_eq!(over(2_000), 100);
        assert_eq!(over(9_000), 100);
    }
}
