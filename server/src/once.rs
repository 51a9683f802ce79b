//! A creation that is asked for again under the same key, because a client does not know whether it arrived, happens once
//! and is answered the same (draft-ietf-httpapi-idempotency-key-header §2). How a request says its key is its surface's.
//!
//! 1. The first request with a key claims it, in the transaction that creates the thing, and leaves its reply there.
//! 2. A repetition finds the claim and gets that reply; another request under the same key is refused.
//!
//! A reply may hold a new secret, of which otherwise only a hash is kept. It is therefore sealed with a key that only the
//! client can give back: one derived from the request's key, of which again only a hash is kept.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit as _, Nonce};
use data_encoding::{BASE64, HEXLOWER};
use gangway_protocol::id::AccountId;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use hmac::{Hmac, Mac as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::authority::{Error, Result};
use crate::db::{Conn, idempotency};
use crate::rng::Random;

/// A shorter key could be guessed, and with it the secret that the reply holds; a UUID has 36 characters.
pub const MIN_LEN: usize = 16;
/// Longest key.
pub const MAX_LEN: usize = 128;
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
    /// A request under the key that its client drew for it, if it did. `request` is what has to be the same in a repetition:
    /// where something is created, and what.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a key that is too short, too long, or not ASCII.
    pub fn of(
        key: Option<SecretString>,
        account: &AccountId,
        request: &(&str, impl Serialize),
        random: &dyn Random,
    ) -> Result<Option<Self>> {
        let Some(key) = key else {
            return Ok(None);
        };
        let text = key.expose();
        if !(MIN_LEN..=MAX_LEN).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Malformed(format!(
                "Idempotency-Key is {MIN_LEN} to {MAX_LEN} printable ASCII characters, drawn at random: a UUID, for instance"
            )));
        }
        let request = serde_json::to_vec(request).map_err(Error::internal)?;
        Ok(Some(Self {
            account: account.clone(),
            key,
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
