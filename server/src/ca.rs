//! The built-in CA: its issuers, their keys, and what they sign. Who may have a certificate is not decided here.
//!
//! 1. [`CertificateAuthority::draft`] writes what a certificate will say, by policy, with a fresh serial number.
//! 2. Whoever asked stores that draft, in the transaction that will store the certificate.
//! 3. [`LeafIssuer::sign`] signs it; the certificate is stored; only then is anybody told (threat model, ENR-16).
//!
//! Certificates are assembled with `x509-cert` rather than with rcgen, because rcgen signs in one step: it has no place
//! between to-be-signed data and signature, where the draft is stored.

pub mod crl;
pub mod extension;
pub mod founding;
pub mod identity;
pub mod import;
pub mod issuer;
pub mod key;
pub mod key_store;
pub mod message;
pub mod moment;
pub mod ocf;
pub mod oid;
mod presented;
pub mod profile;
pub mod publication;
mod recognition;
pub mod replacement;
mod server_certificate;
pub mod verify;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use gangway_protocol::certificate::{PublicKey, join_chain, split_chain};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::IssuerId;
use gangway_protocol::time::UnixMillis;
use x509_cert::der::asn1::BitString;
use x509_cert::der::{Any, Decode as _, Encode as _, Tag};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::clock::Clock;
use crate::config::Config;
use crate::db::certificates::{Draft, Leaf};
use crate::db::issuers::{IssuerRecord, Slot};
use crate::db::{Db, DbError, issuers, write};
use crate::rng::Random;
use crate::start_error::StartError;

pub use founding::FoundingError;
pub use identity::DeviceIdentity;
pub use import::ImportError;
pub use issuer::IssuerCertificate;
pub use key::KeyError;
pub use key_store::{KEY_FILE, KeyStore, KeyStoreError};
pub use presented::{Presented, Unreadable};
pub use publication::PublishedCrl;
pub use recognition::Recognised;
pub use server_certificate::ServerCertificate;

use founding::Plan;
use key::IssuerKey;
use profile::{LeafCertificate, Serial, Statement};
use publication::CrlCache;

/// The built-in CA.
pub struct CertificateAuthority {
    key_store: KeyStore,
    public_url: String,
    issuers: RwLock<Arc<Issuers>>,
    cache: CrlCache,
}

/// The issuers as they stand.
struct Issuers {
    signing: Arc<Issuer>,
    /// The root that we have made ourselves.
    root: Option<Arc<Issuer>>,
    all: HashMap<IssuerId, Arc<Issuer>>,
}

/// An issuer with its key, unless that was taken offline.
struct Issuer {
    certificate: IssuerCertificate,
    above: String,
    trust_anchor: String,
    key: Option<IssuerKey>,
}

/// An issuer that signs certificates of devices. Cheap to clone.
#[derive(Clone)]
pub struct LeafIssuer(Arc<Issuer>);

impl LeafIssuer {
    /// Signs to-be-signed data. The caller records the certificate before anybody sees it.
    ///
    /// # Errors
    /// When the issuer's key is not here.
    pub fn sign(&self, to_be_signed: &[u8]) -> Result<Leaf, CaError> {
        let key = self.0.key()?;
        let signature = BitString::from_bytes(&key.sign(to_be_signed)?)?;
        // RFC 5280 §4.1: Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }.
        let body = [to_be_signed, &key.algorithm().to_der()?, &signature.to_der()?].concat();
        let der = Any::new(Tag::Sequence, body)?.to_der()?;
        Ok(Leaf {
            sha256: Sha256Hex::of(&der),
            pem: join_chain([der]),
        })
    }
}

/// A leaf with all that is handed out beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// PEM blocks, leaf first, without the root.
    pub chain: String,
    /// PEM of the root.
    pub trust_anchors: String,
}

/// Why the CA cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// The issuers' keys cannot be read.
    #[error(transparent)]
    KeyStore(#[from] KeyStoreError),
    /// An issuer cannot be made.
    #[error(transparent)]
    Founding(#[from] FoundingError),
    /// An intermediate cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A key cannot sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A structure cannot be read or written.
    #[error("DER: {0}")]
    Der(#[from] x509_cert::der::Error),
    /// What is recorded about an issuer cannot be.
    #[error("the record of the built-in CA is damaged: {0}")]
    Recorded(&'static str),
    /// The issuer that signs has expired.
    #[error(
        "the built-in CA's intermediate has expired; import a new one with `gangway admin ca import-intermediate`"
    )]
    Expired,
    /// The issuer's key is not here.
    #[error("the private key of {0} was taken offline")]
    Offline(IssuerId),
    /// No issuer whose key is here may certify servers.
    #[error(
        "the built-in CA certifies servers with its root, whose key was taken offline or is another CA's, and its intermediate is for \
         devices alone: let a proxy end TLS instead (client_certificate_proxies)"
    )]
    NotForServers,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl CertificateAuthority {
    /// Opens the CA, making its root and its intermediate at first start.
    ///
    /// # Errors
    /// When its keys cannot be read or made; the text says what to do.
    pub async fn open(
        config: &Config,
        db: &Db,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<Self, StartError> {
        Self::try_open(config, db, clock, random)
            .await
            .map_err(|error| match error {
                CaError::Db(error) => error.into(),
                other => StartError::Refused(other.to_string()),
            })
    }

    async fn try_open(
        config: &Config,
        db: &Db,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<Self, CaError> {
        let mut records = read_all(db).await?;
        let is_founded = records.iter().any(|record| record.slot == Some(Slot::Signing));
        // A key that is made now opens nothing that was sealed before.
        let key_store = match &config.ca_key {
            Some(key) => KeyStore::new(key),
            None if is_founded => KeyStore::from_data_dir(&config.data_dir, config.ca_key_readers)?,
            None => KeyStore::founded_in(&config.data_dir, config.ca_key_readers, random)?,
        };
        let public_url = config.ca_url().as_str().trim_end_matches('/').to_owned();
        let host = config.public_url.host_str().unwrap_or("gangway").to_owned();
        if !is_founded {
            found(db, &key_store, &public_url, &host, clock.now(), random).await?;
            records = read_all(db).await?;
        }
        let issuers = Issuers::from_records(records, &key_store, &public_url)?;
        Ok(Self {
            key_store,
            public_url,
            issuers: RwLock::new(Arc::new(issuers)),
            cache: CrlCache::default(),
        })
    }

    /// Reads the issuers again: the command line, or another node, may have changed them.
    ///
    /// # Errors
    /// When they cannot be read; those known before stay in use.
    pub async fn reload(&self, db: &Db) -> Result<(), CaError> {
        let issuers = Issuers::from_records(read_all(db).await?, &self.key_store, &self.public_url)?;
        *self.issuers.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(issuers);
        Ok(())
    }

    /// What seals its keys, and further secrets of this server.
    #[must_use]
    pub fn key_store(&self) -> &KeyStore {
        &self.key_store
    }

    /// Writes what a device certificate will say.
    ///
    /// # Errors
    /// [`CaError::Expired`], or when a part does not fit DER.
    pub fn draft(
        &self,
        identity: &DeviceIdentity,
        key: &PublicKey,
        validity_days: u32,
        now: UnixMillis,
        random: &dyn Random,
    ) -> Result<Draft, CaError> {
        let statement = Statement::of_device(identity)?;
        let issuers = self.issuers();
        issuers.signing.draft(statement, key, validity_days, now, random)
    }

    /// What signs for this issuer.
    ///
    /// # Errors
    /// When the issuer is not known.
    pub fn leaf_issuer(&self, issuer: &IssuerId) -> Result<LeafIssuer, CaError> {
        let issuer = self.issuer(issuer);
        Ok(LeafIssuer(issuer.ok_or(CaError::Recorded(
            "a certificate names no known issuer",
        ))?))
    }

    /// What is handed out with a leaf of `issuer`; `None` when there is no such issuer.
    #[must_use]
    pub fn chain(&self, issuer: &IssuerId, leaf_pem: &str) -> Option<Chain> {
        let issuer = self.issuer(issuer)?;
        let own = join_chain([issuer.certificate.der()]);
        Some(Chain {
            chain: format!("{leaf_pem}{own}{}", issuer.above),
            trust_anchors: issuer.trust_anchor.clone(),
        })
    }

    /// DER of the issuer that signs now and what stands above it, without the root.
    #[must_use]
    pub fn signing_chain(&self) -> Vec<Vec<u8>> {
        let issuers = self.issuers();
        let signing = &issuers.signing;
        let mut chain = vec![signing.certificate.der().to_vec()];
        chain.extend(split_chain(&signing.above).unwrap_or_default());
        chain
    }

    /// Signs a text that is neither certificate nor revocation list, with what signs devices' certificates (see [`message`]).
    ///
    /// # Errors
    /// [`CaError::Expired`], or when the issuer's key is not here.
    pub fn sign_message(&self, content: &[u8], now: UnixMillis) -> Result<String, CaError> {
        let issuers = self.issuers();
        let issuer = &issuers.signing;
        if issuer.certificate.not_after() <= now {
            return Err(CaError::Expired);
        }
        message::sign(content, &issuer.certificate, &issuer.above, issuer.key()?, now)
    }

    /// PEM of an issuer's certificate.
    #[must_use]
    pub fn certificate_pem(&self, issuer: &IssuerId) -> Option<String> {
        self.issuer(issuer).map(|issuer| issuer.certificate.pem())
    }

    /// DER of an issuer's certificate.
    #[must_use]
    pub fn certificate_der(&self, issuer: &IssuerId) -> Option<Vec<u8>> {
        self.issuer(issuer)
            .map(|issuer| issuer.certificate.der().to_vec())
    }

    fn issuers(&self) -> Arc<Issuers> {
        Arc::clone(&self.issuers.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn issuer(&self, id: &IssuerId) -> Option<Arc<Issuer>> {
        self.issuers().all.get(id).cloned()
    }
}

impl Issuers {
    fn from_records(
        records: Vec<IssuerRecord>,
        key_store: &KeyStore,
        public_url: &str,
    ) -> Result<Self, CaError> {
        let (mut signing, mut root) = (None, None);
        let mut all = HashMap::new();
        for record in records {
            let issuer = Arc::new(Issuer::from_record(&record, key_store, public_url)?);
            match record.slot {
                Some(Slot::Signing) => signing = Some(Arc::clone(&issuer)),
                Some(Slot::Root) => root = Some(Arc::clone(&issuer)),
                _ => {}
            }
            all.insert(record.id, issuer);
        }
        let signing = signing.ok_or(CaError::Recorded("no issuer signs"))?;
        Ok(Self { signing, root, all })
    }
}

impl Issuer {
    fn from_record(record: &IssuerRecord, key_store: &KeyStore, public_url: &str) -> Result<Self, CaError> {
        let key = match &record.sealed_key {
            Some(sealed) => Some(IssuerKey::from_pkcs8(
                &key_store.open(sealed, record.id.as_str())?,
            )?),
            None => None,
        };
        Ok(Self {
            certificate: IssuerCertificate::from_pem(record.id.clone(), &record.certificate, public_url)?,
            above: record.above.clone(),
            trust_anchor: record.trust_anchor.clone(),
            key,
        })
    }

    /// Writes what a leaf of this issuer will say.
    fn draft(
        &self,
        statement: Statement,
        key: &PublicKey,
        validity_days: u32,
        now: UnixMillis,
        random: &dyn Random,
    ) -> Result<Draft, CaError> {
        if self.certificate.not_after() <= now {
            return Err(CaError::Expired);
        }
        let serial = Serial::from_random(random.bytes());
        let subject = statement.subject.to_string();
        let certificate = LeafCertificate {
            statement,
            public_key: &SubjectPublicKeyInfoOwned::from_der(key.spki_der())?,
            serial,
            now,
            validity_days,
        };
        let tbs = certificate.drafted_for(&self.certificate, &self.key()?.algorithm())?;
        Ok(Draft {
            issuer: self.certificate.id().clone(),
            serial: serial.to_hex(),
            to_be_signed: tbs.der,
            subject,
            issuer_name: self.certificate.subject().to_string(),
            not_before: tbs.not_before,
            not_after: tbs.not_after,
        })
    }

    fn key(&self) -> Result<&IssuerKey, CaError> {
        self.key
            .as_ref()
            .ok_or_else(|| CaError::Offline(self.certificate.id().clone()))
    }
}

async fn read_all(db: &Db) -> Result<Vec<IssuerRecord>, DbError> {
    issuers::all(&mut db.reader().await?.conn()).await
}

/// Makes root and intermediate. Of nodes that start together one wins; the others find its issuers.
async fn found(
    db: &Db,
    key_store: &KeyStore,
    public_url: &str,
    host: &str,
    now: UnixMillis,
    random: &dyn Random,
) -> Result<(), CaError> {
    let plan = || Plan {
        id: IssuerId::new(now, random.for_id()),
        serial: Serial::from_random(random.bytes()),
        host,
        public_url,
        now,
    };
    let root = founding::found_root(plan())?;
    let intermediate = founding::found_intermediate(plan(), &root.certificate, &root.key)?;
    let trust_anchor = root.certificate.pem();
    let record = |slot, founded: &founding::Founded| -> Result<IssuerRecord, CaError> {
        let id = founded.certificate.id().clone();
        Ok(IssuerRecord {
            slot: Some(slot),
            certificate: founded.certificate.pem(),
            above: String::new(),
            trust_anchor: trust_anchor.clone(),
            sealed_key: Some(key_store.seal(&founded.pkcs8, id.as_str(), random)?),
            created_at: now,
            id,
        })
    };
    let records = [record(Slot::Root, &root)?, record(Slot::Signing, &intermediate)?];
    let stored = write!(db, |tx| {
        for record in &records {
            issuers::insert(tx, record).await?;
        }
        Ok(())
    });
    match stored {
        Ok(()) => {
            tracing::info!(root = %root.certificate.subject(), "made the built-in CA");
            Ok(())
        }
        Err(DbError::Unique) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
