//! Revocation lists as they are served: made when something was revoked or the last one grows old, kept until then.
//!
//! The database decides what is newest; the cache only spares reading and signing it again for every request.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gangway_protocol::id::IssuerId;
use gangway_protocol::time::UnixMillis;
use tokio::sync::Mutex;

use super::crl::{self, Crl};
use super::{CaError, CertificateAuthority, Issuer, profile};
use crate::db::issuers::{self, CrlStamp, CrlState};
use crate::db::{Db, DbError, certificates, write};

/// A revocation list as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedCrl {
    /// Its number.
    pub number: i64,
    /// DER.
    pub der: Vec<u8>,
}

/// The newest list of each issuer. The lock is held while one is made, so that it is made once.
#[derive(Default)]
pub(super) struct CrlCache(Mutex<HashMap<IssuerId, Arc<PublishedCrl>>>);

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
        let mut cache = self.cache.0.lock().await;
        let state = issuers::crl_state(&mut db.reader().await?.conn(), id).await?;
        // The last list of an issuer whose key is offline was signed to last.
        if let Some(stored) = state
            .stored
            .filter(|stored| issuer.key.is_none() || is_fresh(&state, stored, now))
        {
            if let Some(kept) = cache.get(id).filter(|kept| kept.number == stored.number) {
                return Ok(Some(Arc::clone(kept)));
            }
            let crl = Arc::new(load(db, id).await?);
            cache.insert(id.clone(), Arc::clone(&crl));
            return Ok(Some(crl));
        }
        let crl = Arc::new(publish(db, id, &issuer, now, now.plus(crl::LIFE)).await?);
        cache.insert(id.clone(), Arc::clone(&crl));
        Ok(Some(crl))
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
    Ok(PublishedCrl { number, der })
}

/// Makes and stores the next list: its number first, so that it tells at least what was revoked before that.
async fn publish(
    db: &Db,
    id: &IssuerId,
    issuer: &Issuer,
    now: UnixMillis,
    next_update: UnixMillis,
) -> Result<PublishedCrl, CaError> {
    let key = issuer.key()?;
    // Numbers follow the clock where they can: a database restored from a backup still counts on, never back.
    let (floor, owned) = (now.as_secs(), id.clone());
    let (number, revision) = write!(db, |tx| { issuers::next_crl_number(tx, &owned, floor).await })?;
    let revoked = certificates::revoked(&mut db.reader().await?.conn(), id, now.plus(-crl::LIFE)).await?;
    let list = Crl {
        number: u64::try_from(number).map_err(|_| DbError::Corrupt("issuers.crl_number"))?,
        // As with certificates: whoever verifies may have a clock that is behind.
        this_update: now.plus(-profile::BACKDATE),
        next_update,
        revoked: &revoked,
    };
    let der = list.sign(&issuer.certificate, key)?;
    let stamp = CrlStamp {
        number,
        revision,
        this_update: now,
        next_update,
    };
    let (owned, text) = (id.clone(), STANDARD.encode(&der));
    write!(db, |tx| { issuers::store_crl(tx, &owned, &stamp, &text).await })?;
    tracing::info!(issuer = %id, number, entries = revoked.len(), "published a revocation list");
    Ok(PublishedCrl { number, der })
}
