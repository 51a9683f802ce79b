//! Secrets of webhooks: drawn here, shown once, stored sealed, and what is signed with them (Standard Webhooks).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gangway_protocol::id::{WebhookEventId, WebhookId};
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use gangway_protocol::webhook::SECRET_PREFIX;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::authority::{Error, Result};
use crate::ca::KeyStore;
use crate::db::webhooks::WebhookRecord;
use crate::rng::Random;

/// Standard Webhooks: 24 to 64 bytes; as many as HMAC-SHA-256 gives.
const LEN: usize = 32;

/// A new secret, `whsec_…`.
pub(super) fn mint(random: &dyn Random) -> SecretString {
    let key: [u8; LEN] = random.bytes();
    SecretString::new(format!("{SECRET_PREFIX}{}", STANDARD.encode(key)))
}

/// Seals a secret: it opens for this webhook alone.
///
/// # Errors
/// None that a secret leads to.
pub(super) fn seal(
    key_store: &KeyStore,
    webhook: &WebhookId,
    secret: &SecretString,
    random: &dyn Random,
) -> Result<String> {
    key_store
        .seal(secret.expose().as_bytes(), &context(webhook), random)
        .map_err(Error::internal)
}

fn context(webhook: &WebhookId) -> String {
    format!("secret of {webhook}")
}

/// The value of `webhook-signature`: `v1,…` by the present secret, and by the one before it while that counts.
///
/// # Errors
/// When they do not open with this server's encryption key.
pub(super) fn signatures(
    key_store: &KeyStore,
    record: &WebhookRecord,
    event: &WebhookEventId,
    body: &str,
    now: UnixMillis,
) -> Result<String> {
    let webhook = &record.webhook;
    let former_counts = webhook.former_secret_until.is_some_and(|until| now < until);
    let former = record.former_secret.iter().filter(|_| former_counts);
    let signed = format!("{event}.{}.{body}", now.as_secs());
    let mut signatures = Vec::new();
    for sealed in std::iter::once(&record.secret).chain(former) {
        let secret = key_store
            .open(sealed, &context(&webhook.id))
            .map_err(Error::internal)?;
        let key = std::str::from_utf8(&secret)
            .ok()
            .and_then(|text| STANDARD.decode(text.strip_prefix(SECRET_PREFIX)?).ok())
            .ok_or_else(|| Error::internal("a webhook's secret is not base64"))?;
        let mut mac =
            <Hmac<Sha256> as hmac::Mac>::new_from_slice(&key).expect("HMAC takes a key of any length");
        mac.update(signed.as_bytes());
        signatures.push(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())));
    }
    Ok(signatures.join(" "))
}
