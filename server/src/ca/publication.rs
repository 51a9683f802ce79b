//! Revocation lists as they are served: made when something was revoked or the last one grows old, kept until then.
//!
//! The database decides what is newest; the cache only spares reading and signing it again for every request. Who asks for a
//! list that stands waits for nobody; of those who find that the next one is due, one makes it and the others wait for that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use gangway_protocol::id::IssuerId;
use gangway_protocol::time::UnixMillis;
use x509_cert::der::pem::{self, LineEnding};

use super::crl::{self, Crl};
use super::{CaError, CertificateAuthority, Issuer, profile};
use crate::db::issuers::{self, CrlStamp, CrlState};
use crate::db::{Db, DbError, certificates, write};

/// A revocation list as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedCrl {
    /// Its number: later lists of an issuer have greater ones, and it is the second in which the list was made, or a later one.
    pub number: i64,
    /// DER.
    pub der: Bytes,
    pem: OnceLock<Bytes>,
}

impl PublishedCrl {
    fn new(number: i64, der: Vec<u8>) -> Self {
        Self {
            number,
            der: der.into(),
            pem: OnceLock::new(),
        }
    }

    /// PEM (RFC 7468 §6).
    ///
    /// # Errors
    /// When it cannot be encoded, which no list is too small or too large for.
    pub fn pem(&self) -> Result<Bytes, CaError> {
        if let Some(pem) = self.pem.get() {
            return Ok(pem.clone());
        }
        let text =
            pem::encode_string("X509 CRL", LineEnding::LF, &self.der).map_err(x509_cert::der::Error::from)?;
        Ok(self.pem.get_or_init(|| text.into()).clone())
    }
}

/// The newest list of each issuer, and whose turn it is to make the next.
#[derive(Default)]
pub(super) struct CrlCache {
    lists: RwLock<HashMap<IssuerId, Arc<PublishedCrl>>>,
    turns: Mutex<HashMap<IssuerId, Arc<tokio::sync::Mutex<()>>>>,
}

impl CrlCache {
    fn get(&self, id: &IssuerId) -> Option<Arc<PublishedCrl>> {
        self.lists
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned()
    }

    /// Keeps a list, unless a later one is kept.
    fn put(&self, id: &IssuerId, list: PublishedCrl) -> Arc<PublishedCrl> {
        let list = Arc::new(list);
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        if lists.get(id).is_none_or(|kept| kept.number < list.number) {
            lists.insert(id.clone(), Arc::clone(&list));
        }
        list
    }

    fn turn(&self, id: &IssuerId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(id.clone()).or_default())
    }
}

impl CertificateAuthority {
    /// The revocation list of an issuer, telling everything that has been revoked; `None` for an unknown issuer.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn crl(
        &self,
        db: &Db,
        id: &IssuerId,
        now: UnixMillis,
    ) -> Result<Option<Arc<PublishedCrl>>, CaError> {
        let Some(issuer) = self.issuer(id) else {
            return Ok(None);
        };
        if let Some(standing) = self.standing(db, id, &issuer, now).await? {
            return Ok(Some(standing));
        }
        let turn = self.cache.turn(id);
        let _mine = turn.lock().await;
        if let Some(standing) = self.standing(db, id, &issuer, now).await? {
            return Ok(Some(standing));
        }
        let list = publish(db, id, &issuer, now, now.plus(crl::LIFE)).await?;
        Ok(Some(self.cache.put(id, list)))
    }

    /// The list that stands, unless the next one is due.
    async fn standing(
        &self,
        db: &Db,
        id: &IssuerId,
        issuer: &Issuer,
        now: UnixMillis,
    ) -> Result<Option<Arc<PublishedCrl>>, CaError> {
        let state = issuers::crl_state(&mut db.reader().await?.conn(), id).await?;
        // The last list of an issuer whose key is offline was signed to last.
        let Some(stored) = state
            .stored
            .filter(|stored| issuer.key.is_none() || is_fresh(&state, stored, now))
        else {
            return Ok(None);
        };
        if let Some(kept) = self.cache.get(id).filter(|kept| kept.number == stored.number) {
            return Ok(Some(kept));
        }
        Ok(Some(self.cache.put(id, load(db, id).await?)))
    }

    /// Signs a list of an issuer that stands until the end of `until`: the last one before its key goes offline.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) async fn publish_last_crl(
        &self,
        db: &Db,
        id: &IssuerId,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Result<(), CaError> {
        let issuer = self
            .issuer(id)
            .ok_or(CaError::Recorded("there is no such issuer"))?;
        publish(db, id, &issuer, now, until).await.map(|_| ())
    }
}

/// A list that was made later than now is one of a clock that was wrong: it would stand until that time, and verifiers would
/// not accept it before.
fn is_fresh(state: &CrlState, stored: &CrlStamp, now: UnixMillis) -> bool {
    stored.revision == state.revision
        && stored.this_update <= now.plus(profile::BACKDATE)
        && now < stored.this_update.plus(crl::RENEW_AFTER)
}

async fn load(db: &Db, id: &IssuerId) -> Result<PublishedCrl, CaError> {
    let (number, der) = issuers::crl(&mut db.reader().await?.conn(), id).await?;
    let der = STANDARD.decode(der).map_err(|_| DbError::Corrupt("crls.der"))?;
    Ok(PublishedCrl::new(number, der))
}

/// Makes and stores the next list: its number first, so that it tells at least what was revoked before that.
async fn publish(
    db: &Db,
    id: &IssuerId,
    issuer: &Arc<Issuer>,
    now: UnixMillis,
    next_update: UnixMillis,
) -> Result<PublishedCrl, CaError> {
    // Without its key the issuer takes no number either.
    issuer.key()?;
    // Numbers follow the clock where they can: a database restored from a backup still counts on, never back.
    let (floor, owned) = (now.as_secs(), id.clone());
    let (number, revision) = write!(db, |tx| { issuers::next_crl_number(tx, &owned, floor).await })?;
    let revoked = certificates::revoked(&mut db.reader().await?.conn(), id, now.plus(-crl::LIFE)).await?;
    let number_told = u64::try_from(number).map_err(|_| DbError::Corrupt("issuers.crl_number"))?;
    let entries = revoked.len();
    let signer = Arc::clone(issuer);
    // A hundred thousand entries take a tenth of a second, in which this thread has others to serve.
    let signing = tokio::task::spawn_blocking(move || {
        let list = Crl {
            number: number_told,
            // As with certificates: whoever verifies may have a clock that is behind.
            this_update: now.plus(-profile::BACKDATE),
            next_update,
            revoked: &revoked,
        };
        list.sign(&signer.certificate, signer.key()?)
    });
    let der = signing.await.map_err(|_| DbError::Abandoned)??;
    let stamp = CrlStamp {
        number,
        revision,
        this_update: now,
        next_update,
    };
    let (owned, text) = (id.clone(), STANDARD.encode(&der));
    write!(db, |tx| { issuers::store_crl(tx, &owned, &stamp, &text).await })?;
    tracing::info!(issuer = %id, number, entries, "published a revocation list");
    Ok(PublishedCrl::new(number, der))
}
