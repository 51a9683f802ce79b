//! What an operator does with the issuers: takes the root's key offline, or puts another intermediate in place.

use gangway_protocol::audit::Action;
use gangway_protocol::certificate::join_chain;
use gangway_protocol::id::IssuerId;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use x509_cert::der::pem::{self, LineEnding};

use super::{CaError, CertificateAuthority, IssuerCertificate, import, read_all};
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::issuers::{IssuerRecord, Slot};
use crate::db::{Db, audit, issuers, write};
use crate::rng::Random;

/// Label of PKCS#8 keys (RFC 7468 §10).
const PRIVATE_KEY: &str = "PRIVATE KEY";

/// The root with its key, as it leaves the server.
#[derive(Debug)]
pub struct ExportedRoot {
    /// Its id.
    pub id: IssuerId,
    /// PEM.
    pub certificate: String,
    /// PKCS#8 in PEM.
    pub private_key: SecretString,
}

impl CertificateAuthority {
    /// The root and its private key, for keeping it offline.
    ///
    /// # Errors
    /// [`CaError::Offline`] when the key has been removed already.
    pub async fn export_root(&self, db: &Db) -> Result<ExportedRoot, CaError> {
        let record = root(db).await?;
        let sealed = record
            .sealed_key
            .as_deref()
            .ok_or_else(|| CaError::Offline(record.id.clone()))?;
        let pkcs8 = self.key_store.open(sealed, record.id.as_str())?;
        let private_key = pem::encode_string(PRIVATE_KEY, LineEnding::LF, &pkcs8)
            .map_err(|_| CaError::Recorded("the root's key cannot be written as PEM"))?;
        Ok(ExportedRoot {
            id: record.id,
            certificate: record.certificate,
            private_key: SecretString::new(private_key),
        })
    }

    /// Removes the root's private key from the database. Its last revocation list is signed before, to stand as long as
    /// the intermediate does.
    ///
    /// # Errors
    /// [`CaError::Offline`] when it has been removed already.
    pub async fn remove_root_key(&self, db: &Db, now: UnixMillis) -> Result<(), CaError> {
        let record = root(db).await?;
        let until = self.issuers().signing.certificate.not_after();
        self.publish_last_crl(db, &record.id, now, until).await?;
        let id = record.id;
        write!(db, |tx| {
            issuers::forget_key(tx, &id).await?;
            record_change(tx, now, Action::RootKeyRemoved, &id, "").await
        })?;
        self.reload(db).await
    }

    /// Puts an intermediate made elsewhere in place: `chain` is a file of PEM, the intermediate first and its root last,
    /// `private_key` one with PKCS#8.
    ///
    /// # Errors
    /// [`CaError::Import`] says what is wrong with the chain or the key.
    pub async fn import_intermediate(
        &self,
        db: &Db,
        chain: &[u8],
        private_key: &[u8],
        now: UnixMillis,
        random: &dyn Random,
    ) -> Result<IssuerId, CaError> {
        let imported = import::import(chain, private_key, now)?;
        let id = IssuerId::new(now, random.for_id());
        let certificate = IssuerCertificate::from_der(id.clone(), imported.intermediate, &self.public_url)?;
        let record = IssuerRecord {
            slot: Some(Slot::Signing),
            certificate: certificate.pem(),
            above: join_chain(imported.above),
            trust_anchor: join_chain([imported.root]),
            sealed_key: Some(self.key_store.seal(&imported.pkcs8, id.as_str(), random)?),
            created_at: now,
            id: id.clone(),
        };
        let subject = certificate.subject().to_string();
        write!(db, |tx| {
            issuers::vacate(tx, Slot::Signing).await?;
            issuers::insert(tx, &record).await?;
            record_change(tx, now, Action::IntermediateImported, &record.id, &subject).await
        })?;
        self.reload(db).await?;
        Ok(id)
    }
}

async fn root(db: &Db) -> Result<IssuerRecord, CaError> {
    let records = read_all(db).await?;
    records
        .into_iter()
        .find(|record| record.slot == Some(Slot::Root))
        .ok_or(CaError::Recorded("there is no root"))
}

async fn record_change(
    tx: &mut crate::db::Conn<'_>,
    at: UnixMillis,
    action: Action,
    issuer: &IssuerId,
    detail: &str,
) -> Result<(), crate::db::DbError> {
    let entry = Entry {
        scope: Scope::Server,
        at,
        actor: Actor::Server,
        action,
        subject: issuer.as_str(),
        detail,
    };
    audit::append(tx, &entry).await
}
