//! The device's certificates: the newest in full, the others folded, each with what became of it.

use gangway_protocol::certificate::Certificate;
use gangway_protocol::time::UnixMillis;
use leptos::either::Either;
use leptos::prelude::*;

use super::Shown;
use crate::components::certificate::CertificateDetails;
use crate::components::moment::{Moment, TimeFormat};
use crate::components::notice::{Notice, Tone};
use crate::visit::language;

/// The section.
#[component]
pub(super) fn Certificates(shown: Shown) -> impl IntoView {
    let t = language();
    let detail = shown.detail;
    let newest = Memo::new(move |_| detail.with(|detail| detail.certificates.first().cloned()));
    let older = Memo::new(move |_| {
        detail.with(|detail| detail.certificates.iter().skip(1).cloned().collect::<Vec<_>>())
    });
    view! {
        <section class="section" aria-labelledby="certificate-title">
            <div class="section-head"><h2 id="certificate-title">{t.certificate()}</h2></div>
            {move || match newest.get() {
                Some(certificate) => Either::Left(view! { <CertificateDetails certificate /> }),
                None => Either::Right(view! { <Notice tone=Tone::Plain><p>{t.no_certificate()}</p></Notice> }),
            }}
            <For each=move || older.get() key=standing let(certificate)>
                <Older certificate />
            </For>
        </section>
    }
}

/// Which certificate it is and what can change about it: another standing is drawn anew.
fn standing(certificate: &Certificate) -> (String, [Option<UnixMillis>; 5]) {
    (
        certificate.sha256.to_string(),
        [
            certificate.delivered_at,
            certificate.proven_at,
            certificate.superseded_at,
            certificate.grace_until,
            certificate.revocation.as_ref().map(|revocation| revocation.at),
        ],
    )
}

#[component]
fn Older(certificate: Certificate) -> impl IntoView {
    let t = language();
    let revoked = certificate.revocation.is_some();
    // What still opens sessions must not be overlooked; a revoked one opens none, whatever grace it had.
    let replaced = !revoked && certificate.superseded_at.is_some();
    let admitted = certificate.grace_until.filter(|_| !revoked);
    view! {
        <details class="older">
            <summary>
                {t.older_certificate()} " " <Moment at=certificate.not_before show=TimeFormat::Day /> " "
                {revoked.then(|| view! { <span class="chip bad">{t.revoked()}</span> })}
                {replaced.then(|| view! { <span class="chip">{t.revoked_superseded()}</span> })} " "
                {admitted.map(|at| view! { <span class="chip warn">{t.still_admitted_until()} " " <Moment at show=TimeFormat::Minute /></span> })}
            </summary>
            <CertificateDetails certificate />
        </details>
    }
}
