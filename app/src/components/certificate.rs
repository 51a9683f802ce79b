//! A certificate: what a person compares, how much of its life is over, and the file itself.

use gangway_protocol::certificate::{Certificate, RevocationReason};
use gangway_protocol::time::UnixMillis;
use leptos::prelude::*;

use super::copy::copy_button;
use super::facts::entry;
use super::icon::{Icon, icon};
use super::moment::{PageClock, Show, moment};
use crate::browser::clipboard;
use crate::format;
use crate::view::{IntoView, View, view};
use crate::visit::{Language, language};

/// One certificate in full.
pub(crate) fn certificate(certificate: &Certificate) -> View {
    let t = language();
    let fingerprint = certificate.sha256.to_string();
    let file = format!("{}-{}.pem", certificate.device, &fingerprint[..8]);
    let chain = certificate.chain.clone();
    let digits = |hex: &str| view! { <span class="fingerprint mono">{format::grouped(hex)}</span> };
    view! {
        {life(certificate.not_before, certificate.not_after)}
        <dl class="facts">
            {entry(t.valid(), view! { {moment(certificate.not_before, Show::Day)} " – " {moment(certificate.not_after, Show::Day)} })}
            {certificate
                .revocation
                .as_ref()
                .map(|revocation| {
                    entry(
                        t.revoked(),
                        view! { <span class="chip bad">{reason_name(t, revocation.reason)}</span> " " {moment(revocation.at, Show::Minute)} },
                    )
                })}
            {entry(t.issuer(), certificate.issuer.clone().into_view())}
            {entry(t.subject(), certificate.subject.clone().into_view())}
            {entry(t.key(), certificate.key.clone().into_view())}
            {entry(t.serial_number(), digits(&certificate.serial))}
            {entry(t.fingerprint(), digits(&fingerprint))}
            {entry(t.key_fingerprint(), digits(&certificate.spki_sha256.to_string()))}
            {entry(t.issued(), moment(certificate.issued_at, Show::Minute))}
            {certificate.delivered_at.map(|at| entry(t.delivered(), moment(at, Show::Minute)))}
            {certificate.proven_at.map(|at| entry(t.proven(), moment(at, Show::Minute)))}
            {certificate.superseded_at.map(|at| entry(t.revoked_superseded(), moment(at, Show::Minute)))}
            {certificate.grace_until.map(|at| entry(t.still_admitted_until(), moment(at, Show::Minute)))}
        </dl>
        <div class="row">
            <button class="button" type="button" on:click=move |_| clipboard::download(&file, &chain)>
                {icon(Icon::Download)}
                {t.download_chain()}
            </button>
            {copy_button(certificate.chain.clone())}
        </div>
    }
}

/// How much of a life is over, as a line. It says nothing that the dates beside it do not say.
fn life(from: UnixMillis, until: UnixMillis) -> View {
    let clock = expect_context::<PageClock>();
    let over = move || {
        let whole = until.since(from).max(1);
        clock
            .now()
            .map_or(0, |now| (now.since(from).clamp(0, whole)) * 100 / whole)
    };
    view! {
        <svg class="life" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
            <path d="M0 .5h100" />
            <path class="over" d=move || format!("M0 .5h{}", over()) />
        </svg>
    }
}

/// The word for a reason of revocation.
pub(crate) fn reason_name(t: Language, reason: RevocationReason) -> &'static str {
    match reason {
        RevocationReason::Unspecified => t.revoked_unspecified(),
        RevocationReason::KeyCompromise => t.revoked_key_compromise(),
        RevocationReason::AffiliationChanged => t.revoked_affiliation_changed(),
        RevocationReason::Superseded => t.revoked_superseded(),
        RevocationReason::CessationOfOperation => t.revoked_cessation(),
        RevocationReason::CertificateHold => t.revoked_hold(),
        RevocationReason::PrivilegeWithdrawn => t.revoked_privilege(),
    }
}
