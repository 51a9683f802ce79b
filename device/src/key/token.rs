//! Keys in a token behind PKCS#11 (OASIS, version 2.40): a TPM 2.0 by tpm2-pkcs11, a smart card, an HSM. The key pair is made
//! inside, marked as sensitive and not extractable, and never leaves; this software holds a reference to it.
//!
//! The reference, kept in `key.uri`, is an RFC 7512 URI with the token's label and the object's id. Which library speaks to
//! the token, and the PIN, are told by whoever starts the device and are not in it.

mod objects;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Function, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use gangway_protocol::secret::SecretString;
use ring::digest::{SHA256, SHA384, digest};

use super::{DeviceKey, KeyError, KeyProvider, KeyType, MadeKey};
use crate::rng::{Random as _, SystemRandom};

/// CKA_LABEL of the objects that are made here.
const LABEL: &str = "gangway-device";
/// Length of the random CKA_ID by which a key is found again.
const ID_LEN: usize = 16;

/// Which token, and how to get at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The PKCS#11 library of its vendor, e.g. `/usr/lib/x86_64-linux-gnu/pkcs11/libtpm2_pkcs11.so`.
    pub module: PathBuf,
    /// Its label, e.g. `device`.
    pub label: String,
    /// The file that holds the PIN of its user; one line end after it is not part of it.
    pub pin_file: PathBuf,
}

/// Makes and finds keys in one token.
#[derive(Clone)]
pub struct TokenKeys(Arc<Access>);

/// An opened library.
struct Access {
    library: Pkcs11,
    label: String,
    pin: AuthPin,
    /// The token has refused it. Every try counts there.
    pin_is_wrong: AtomicBool,
}

impl TokenKeys {
    /// Loads the library and reads the PIN. The token itself is looked for when a key is needed.
    ///
    /// # Errors
    /// The library cannot be loaded, or the PIN's file not be read.
    pub fn new(token: &Token) -> Result<Self, KeyError> {
        let pin = read_pin(&token.pin_file)?;
        let library = Pkcs11::new(&token.module).map_err(|error| {
            KeyError::Token(format!("{} cannot be loaded: {error}", token.module.display()))
        })?;
        match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // Another part of the process uses it too.
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(refused(&error)),
        }
        Ok(Self(Arc::new(Access {
            library,
            label: token.label.clone(),
            pin,
            pin_is_wrong: AtomicBool::new(false),
        })))
    }
}

fn read_pin(path: &Path) -> Result<AuthPin, KeyError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| KeyError::Token(format!("the PIN's file {}: {error}", path.display())))?;
    let text = SecretString::new(text);
    let pin = text.expose().strip_suffix('\n').unwrap_or(text.expose());
    let pin = pin.strip_suffix('\r').unwrap_or(pin);
    if pin.is_empty() {
        return Err(KeyError::Token(format!(
            "the PIN's file {} is empty",
            path.display()
        )));
    }
    Ok(AuthPin::from(pin.to_owned()))
}

impl KeyProvider for TokenKeys {
    fn note_name(&self) -> &'static str {
        "key.uri"
    }

    fn make(&self, kind: KeyType) -> Result<MadeKey, KeyError> {
        let mut id = vec![0; ID_LEN];
        SystemRandom.fill(&mut id);
        let session = self.0.session()?;
        let (mechanism, of_the_kind) = objects::generation(kind)?;
        let common = [
            Attribute::Token(true),
            Attribute::Id(id.clone()),
            Attribute::Label(LABEL.into()),
        ];
        let public = [&common[..], &[Attribute::Verify(true)], &of_the_kind[..]].concat();
        let private = [
            &common[..],
            &[
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Sign(true),
            ],
        ]
        .concat();
        let (public, private) = session
            .generate_key_pair(&mechanism, &public, &private)
            .map_err(|error| refused(&error))?;
        let asked = [AttributeType::Sensitive, AttributeType::Extractable];
        let said = session
            .get_attributes(private, &asked)
            .map_err(|error| refused(&error))?;
        let stays =
            said.contains(&Attribute::Sensitive(true)) && said.contains(&Attribute::Extractable(false));
        if !stays {
            for object in [public, private] {
                session.destroy_object(object).map_err(|error| refused(&error))?;
            }
            return Err(KeyError::Exportable);
        }
        let note = SecretString::new(objects::uri(&self.0.label, &id));
        let key = self.0.key(session, public, private, id)?;
        Ok(MadeKey {
            key: Arc::new(key),
            note,
        })
    }

    fn open(&self, note: &SecretString) -> Result<Arc<dyn DeviceKey>, KeyError> {
        let id = objects::id(note.expose()).ok_or(KeyError::Unreadable)?;
        let session = self.0.session()?;
        let public = find(&session, ObjectClass::PUBLIC_KEY, &id)?;
        let private = find(&session, ObjectClass::PRIVATE_KEY, &id)?;
        Ok(Arc::new(self.0.key(session, public, private, id)?))
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKeys({})", self.0.label)
    }
}

impl Access {
    /// A session in which the token's user is logged in.
    fn session(&self) -> Result<Session, KeyError> {
        if self.pin_is_wrong.load(Ordering::Relaxed) {
            let known = Error::Pkcs11(RvError::PinIncorrect, Function::Login);
            return Err(refused(&known));
        }
        let session = self
            .library
            .open_rw_session(self.slot()?)
            .map_err(|error| refused(&error))?;
        match session.login(UserType::User, Some(&self.pin)) {
            // All sessions of a process are logged in with one of them.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(error) => {
                let is_wrong = matches!(error, Error::Pkcs11(RvError::PinIncorrect, _));
                self.pin_is_wrong.store(is_wrong, Ordering::Relaxed);
                Err(refused(&error))
            }
        }
    }

    fn slot(&self) -> Result<Slot, KeyError> {
        let slots = self.library.get_slots_with_initialized_token();
        let mut labels = Vec::new();
        for slot in slots.map_err(|error| refused(&error))? {
            let token = self
                .library
                .get_token_info(slot)
                .map_err(|error| refused(&error))?;
            if token.label() == self.label {
                return Ok(slot);
            }
            labels.push(token.label().to_owned());
        }
        let there = if labels.is_empty() {
            "there is none".to_owned()
        } else {
            format!("there are: {}", labels.join(", "))
        };
        Err(KeyError::Token(format!(
            "no token is called “{}”; {there}",
            self.label
        )))
    }

    fn key(
        self: &Arc<Self>,
        session: Session,
        public: ObjectHandle,
        private: ObjectHandle,
        id: Vec<u8>,
    ) -> Result<TokenKey, KeyError> {
        let (kind, spki) = objects::public_key(&session, public)?;
        Ok(TokenKey {
            access: Arc::clone(self),
            id,
            kind,
            spki,
            open: Mutex::new(Some((session, private))),
        })
    }
}

/// A key pair in a token.
struct TokenKey {
    access: Arc<Access>,
    id: Vec<u8>,
    kind: KeyType,
    spki: Vec<u8>,
    /// `None` after the token was away; then it is looked for anew.
    open: Mutex<Option<(Session, ObjectHandle)>>,
}

impl DeviceKey for TokenKey {
    fn kind(&self) -> KeyType {
        self.kind
    }

    fn spki(&self) -> Vec<u8> {
        self.spki.clone()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((session, private)) = &*open
            && let Ok(signature) = sign(session, *private, self.kind, message)
        {
            return Ok(signature);
        }
        // A token that was pulled out, or a resource manager that was restarted, has closed the session.
        *open = None;
        let session = self.access.session()?;
        let private = find(&session, ObjectClass::PRIVATE_KEY, &self.id)?;
        let signature = sign(&session, private, self.kind, message)?;
        *open = Some((session, private));
        Ok(signature)
    }

    fn is_slow(&self) -> bool {
        true
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({})", self.id())
    }
}

/// The digest is made here: every token signs digests, and few make each of them.
fn sign(
    session: &Session,
    private: ObjectHandle,
    kind: KeyType,
    message: &[u8],
) -> Result<Vec<u8>, KeyError> {
    let raw = |mechanism: &Mechanism<'_>, data: &[u8]| {
        session
            .sign(mechanism, private, data)
            .map_err(|error| refused(&error))
    };
    match kind {
        KeyType::P256 => objects::der_of_ecdsa(&raw(&Mechanism::Ecdsa, digest(&SHA256, message).as_ref())?),
        KeyType::P384 => objects::der_of_ecdsa(&raw(&Mechanism::Ecdsa, digest(&SHA384, message).as_ref())?),
        KeyType::Rsa => raw(&Mechanism::Sha256RsaPkcs, message),
        KeyType::Ed25519 => Err(KeyError::NotInToken(kind)),
    }
}

fn find(session: &Session, class: ObjectClass, id: &[u8]) -> Result<ObjectHandle, KeyError> {
    let template = [Attribute::Class(class), Attribute::Id(id.to_vec())];
    let found = session.find_objects(&template).map_err(|error| refused(&error))?;
    match found.as_slice() {
        [object] => Ok(*object),
        [] => Err(KeyError::Token(
            "the device's key is not in it; was it emptied, or is it another token?".to_owned(),
        )),
        _ => Err(KeyError::Token("it holds several keys of one id".to_owned())),
    }
}

/// What the library said, in short; its own explanations are the standard's, a paragraph each.
fn refused(error: &Error) -> KeyError {
    KeyError::Token(match error {
        Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _) => {
            "its PIN is another; it is not tried again, because tokens lock themselves after a few".to_owned()
        }
        Error::Pkcs11(RvError::PinLocked, _) => "it is locked after too many wrong PINs".to_owned(),
        Error::Pkcs11(code, function) => format!("{function:?} failed: {code:?}"),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests;
