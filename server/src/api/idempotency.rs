//! `Idempotency-Key`: a client that does not know whether its creation arrived sends it again and gets the same reply
//! (draft-ietf-httpapi-idempotency-key-header §2).
//!
//! 1. The first request with a key claims it, in the transaction that creates the thing, and leaves its reply there.
//! 2. A repetition finds the claim and gets that reply; another request under the same key is refused.
//!
//! A reply may hold a new secret, of which otherwise only a hash is kept. It is therefore sealed with a key that only the
//! client can give back: one derived from the `Idempotency-Key`, of which again only a hash is kept.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit as _, Nonce};
use data_encoding::{BASE64, HEXLOWER};
use gangway_protocol::id::AccountId;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use hmac::{Hmac, Mac as _};
use http::{HeaderMap, HeaderName};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::authority::{Error, Result};
use crate::db::{Conn, idempotency};
use crate::rng::Random;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// A shorter key could be guessed, and with it the secret that the reply holds; a UUID has 36 characters.
pub(super) const MIN_LEN: usize = 16;
pub(super) const MAX_LEN: usize = 128;
const NONCE_LEN: usize = 12;

/// A request that may be a repetition.
#[derive(Clone)]
pub struct Once {
    account: AccountId,
    key: SecretString,
    request_hash: String,
    nonce: [u8; NONCE_LEN],
}

impl Once {
    /// The request's key, if it has one. `request` is what has to be the same in a repetition: path and body.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a key that is too short, too long, or not ASCII.
    pub fn of(
        headers: &HeaderMap,
        account: &AccountId,
        request: &(&str, impl Serialize),
        random: &dyn Random,
    ) -> Result<Option<Self>> {
        let Some(value) = headers.get(HEADER) else {
            return Ok(None);
        };
        let key = value.as_bytes();
        if !(MIN_LEN..=MAX_LEN).contains(&key.len()) || !key.iter().all(u8::is_ascii_graphic) {
            return Err(Error::Malformed(format!(
                "Idempotency-Key is {MIN_LEN} to {MAX_LEN} printable ASCII characters, drawn at random: a UUID, for instance"
            )));
        }
        let request = serde_json::to_vec(request).map_err(Error::internal)?;
        Ok(Some(Self {
            account: account.clone(),
            key: SecretString::new(String::from_utf8_lossy(key).into_owned()),
            request_hash: HEXLOWER.encode(&Sha256::digest(request)),
            nonce: random.bytes(),
        }))
    }

    /// Claims the key, or gives the reply to the request that has it.
    ///
    /// # Errors
    /// [`Error::IdempotencyMismatch`] when that was another request.
    pub async fn begin<T: DeserializeOwned>(&self, tx: &mut Conn<'_>, now: UnixMillis) -> Result<Option<T>> {
        let claimed =
            idempotency::claim(tx, &self.account, &self.key_hash(), &self.request_hash, now).await?;
        let Some((request_hash, sealed)) = claimed else {
            return Ok(None);
        };
        if request_hash != self.request_hash {
            return Err(Error::IdempotencyMismatch);
        }
        self.open(&sealed).map(Some)
    }

    /// Leaves the reply for repetitions.
    ///
    /// # Errors
    /// Only faults.
    pub async fn end(&self, tx: &mut Conn<'_>, reply: &impl Serialize) -> Result<()> {
        let plain = serde_json::to_vec(reply).map_err(Error::internal)?;
        let sealed = self
            .cipher()
            .encrypt(Nonce::from_slice(&self.nonce), self.payload(&plain))
            .map_err(|_| Error::internal("a reply could not be sealed"))?;
        let text = BASE64.encode(&[&self.nonce[..], &sealed].concat());
        Ok(idempotency::keep(tx, &self.account, &self.key_hash(), &text).await?)
    }

    fn open<T: DeserializeOwned>(&self, sealed: &str) -> Result<T> {
        let damaged = || Error::internal("a kept reply does not open");
        let bytes = BASE64.decode(sealed.as_bytes()).map_err(|_| damaged())?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
        let plain = self
            .cipher()
            .decrypt(Nonce::from_slice(nonce), self.payload(sealed))
            .map_err(|_| damaged())?;
        serde_json::from_slice(&plain).map_err(Error::internal)
    }

    fn payload<'a>(&'a self, msg: &'a [u8]) -> Payload<'a, 'a> {
        Payload {
            msg,
            aad: self.account.as_str().as_bytes(),
        }
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(Key::from_slice(&self.derived(b"seal")))
    }

    fn key_hash(&self) -> String {
        HEXLOWER.encode(&self.derived(b"name"))
    }

    /// Two values that do not tell of each other: HMAC-SHA-256 under the client's key (RFC 5869 §2.3 has the same shape).
    fn derived(&self, label: &[u8]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(self.key.expose().as_bytes())
            .expect("HMAC takes a key of any length");
        mac.update(b"gangway idempotency v1 ");
        mac.update(label);
        mac.finalize().into_bytes().into()
    }
}
