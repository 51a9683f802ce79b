//! A signer tried from the terminal, as the page Signers tries it: a request for a key that nobody keeps is signed and removed
//! again.

use std::sync::Arc;

use gangway_client::{Api, Native, NativeOptions};
use gangway_protocol::certificate::{Csr, RevocationReason};
use gangway_protocol::id::DeviceId;
use gangway_protocol::signer::Signer;
use gangway_signing::{
    CorporateError, CorporateOrder, CorporateRevocation, NoAnswer, SigningError, ThrowAway, Trial, TrialEnd,
    TrialStage, TrialStep,
};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

use super::exit::Exit;
use super::report::Report;
use crate::ca::Presented;
use crate::clock::{Clock as _, SystemClock};
use crate::config::Environment;
use crate::rng::{Random, SystemRandom as RandomOfSystem};
use crate::signers::CorporateCa;

/// RFC 5480 §2: what stands before the point of a P-256 key in a SubjectPublicKeyInfo.
const P256_SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Tries `signer` with what the environment names, or with a sign-in that comes back to `port`. `panel` is the address of the
/// panel.
///
/// # Errors
/// What hinders it, for people.
pub(in crate::cli) async fn try_signer(
    signer: &Signer,
    panel: &str,
    port: u16,
    environment: &Environment,
) -> Result<(), String> {
    let words = |exit: Exit| exit.message;
    let csr = throw_away().ok_or("the cryptographic library made no key")?;
    let Some(trial) = Trial::of(signer, csr) else {
        return Err(format!(
            "“{}” signs at this server itself: there is nothing to try",
            signer.name
        ));
    };
    let native = Native::new(&NativeOptions {
        server: panel.to_owned(),
        token: None,
        trust_anchors: None,
    })
    .map_err(|error| error.to_string())?;
    let api = Api::new(Arc::new(native));
    let report = Report::new(false);
    let mut wallet = super::wallet(signer, port, &api, &report, environment)
        .await
        .map_err(words)?;
    let end = drive(trial, &api, &report, &mut wallet)
        .await
        .map_err(|why| format!("“{}” did not sign: {why}", signer.name))?;
    report.note(&match end {
        TrialEnd::Gone => format!("“{}” works.", signer.name),
        TrialEnd::Claim => format!(
            "“{}” makes claims for devices. What the template, its hook and the device endpoint do with one shows only a device.",
            signer.name
        ),
        TrialEnd::Left { why, find } => format!(
            "“{}” works, but what it signed could not be removed ({why}). Nobody has the key. Look at {find}.",
            signer.name
        ),
    });
    Ok(())
}

/// Tries a corporate CA with the credential that the server has for it.
///
/// # Errors
/// What hinders it, for people.
pub(in crate::cli) async fn try_corporate(
    signer: &Signer,
    ca: Result<CorporateCa<'_>, CorporateError>,
) -> Result<(), String> {
    let report = Report::new(false);
    let name = &signer.name;
    let failed = |error: CorporateError| format!("“{name}” did not sign: {error}");
    let ca = ca.map_err(failed)?;
    let csr = throw_away().ok_or("the cryptographic library made no key")?;
    report.note("… the request is signed");
    let random: &dyn Random = &RandomOfSystem;
    let order = CorporateOrder {
        csr,
        // Of no device: it names nothing that exists.
        device: DeviceId::new(SystemClock.now(), random.for_id()),
        urn: "urn:gangway:trial".to_owned(),
        renews: None,
    };
    let signed = ca.sign(order).await.map_err(failed)?;
    report.note("✓ the request is signed");
    let presented =
        Presented::parse(&signed.chain).map_err(|error| format!("“{name}” signed, but {error}"))?;
    report.note(&format!("  {}", presented.leaf().tbs_certificate.subject));
    if !ca.revokes() {
        report.note(&format!(
            "“{name}” works. EST has no way to revoke what it signed. Nobody has the key; its serial number is {}.",
            presented.serial()
        ));
        return Ok(());
    }
    report.note("… what was signed is revoked");
    let revocation = CorporateRevocation {
        serial: presented.serial(),
        external_id: signed.external_id,
        reason: RevocationReason::CessationOfOperation,
    };
    report.note(&match ca.revoke(revocation).await {
        Ok(()) => format!("“{name}” works."),
        Err(error) => format!(
            "“{name}” signs, but what it signed was not revoked: {error}. Nobody has the key; its serial number is {}.",
            presented.serial()
        ),
    });
    Ok(())
}

async fn drive(
    mut trial: Trial,
    api: &Api,
    report: &Report,
    wallet: &mut gangway_signing::Wallet,
) -> Result<TrialEnd, String> {
    let words = |error: SigningError| error.to_string();
    let mut told = None;
    let mut step = trial.start(wallet, SystemClock.now()).map_err(words)?;
    loop {
        if told < Some(trial.stage()) {
            told = Some(trial.stage());
            report.note(match trial.stage() {
                TrialStage::Credentials => "… credentials",
                TrialStage::Signing => "✓ credentials are there\n… the request is signed",
                TrialStage::Removing => "✓ the request is signed\n… what was signed is removed",
            });
        }
        let sending = match step {
            TrialStep::Send(sending) => sending,
            TrialStep::NeedCredentials { refused } => {
                return Err(refused.unwrap_or_else(|| "there are no credentials for it".to_owned()));
            }
            TrialStep::Done(end) => return Ok(end),
        };
        let answer = api.carry(*sending).await.map_err(|error| NoAnswer {
            detail: error.cause(),
        });
        step = trial.answer(answer, wallet, SystemClock.now()).map_err(words)?;
    }
}

/// A request for a key that is forgotten at once.
fn throw_away() -> Option<Csr> {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).ok()?;
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).ok()?;
    let request = ThrowAway::new(&[P256_SPKI.as_slice(), pair.public_key().as_ref()].concat())?;
    let signature = pair.sign(&random, request.message()).ok()?;
    request.signed(signature.as_ref())
}

#[cfg(test)]
mod tests {
    use gangway_protocol::certificate::KeyKind;

    use super::*;

    #[test]
    fn what_is_thrown_away_is_a_good_request() {
        let csr = throw_away().expect("a request");
        assert_eq!(csr.key().kind(), KeyKind::P256);
        let read = gangway_protocol::certificate::UncheckedCsr::from_pem(&csr.to_pem()).expect("a request");
        assert!(crate::ca::verify::holds(read.signature_check()));
    }
}
