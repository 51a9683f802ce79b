//! Keys in tokens as Debian has them: SoftHSM, and a TPM 2.0 in software behind tpm2-pkcs11. Both libraries read their place
//! from the environment, which a running test must not change: each test here runs itself again as a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use gangway_protocol::certificate::UncheckedCsr;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::*;
use crate::store::Store;

const PIN: &str = "1234";
const NAME: &str = "device";
/// Set in the process that runs inside.
const INSIDE: &str = "GANGWAY_TEST_TOKEN";

/// The library of this name, where Debian and its relatives put it.
fn library(names: &[&str]) -> PathBuf {
    let folders = [
        "/usr/lib/softhsm",
        "/usr/lib/x86_64-linux-gnu/pkcs11",
        "/usr/lib/aarch64-linux-gnu/pkcs11",
        "/usr/lib64/pkcs11",
    ];
    let mut candidates = folders
        .iter()
        .flat_map(|folder| names.iter().map(move |name| Path::new(folder).join(name)));
    candidates
        .find(|path| path.is_file())
        .expect("the library is there: scripts/setup test installs it")
}

fn run(command: &mut Command) {
    let output = command
        .output()
        .expect("the program is there: scripts/setup test installs it");
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Runs the test `name` of this program again, with this environment.
fn again(name: &str, environment: &[(&str, &Path)]) {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(["--exact", "--nocapture", name]).env(INSIDE, "1");
    for (key, value) in environment {
        command.env(key, value);
    }
    run(&mut command);
}

fn is_inside() -> bool {
    crate::config::environment(INSIDE).is_some()
}

fn token(module: PathBuf, folder: &Path) -> Token {
    let pin_file = folder.join("pin");
    std::fs::write(&pin_file, format!("{PIN}\n")).expect("written");
    Token {
        module,
        label: NAME.to_owned(),
        pin_file,
    }
}

/// A fresh token with a PIN, as whoever sets up a machine makes it.
fn prepare(library: &Pkcs11) {
    let pin = AuthPin::from(PIN.to_owned());
    let slots = library.get_all_slots().expect("slots");
    let slot = *slots.first().expect("a slot");
    library.init_token(slot, &pin, NAME).expect("a token");
    let slots = library.get_slots_with_initialized_token().expect("slots");
    let session = library
        .open_rw_session(*slots.first().expect("the token"))
        .expect("a session");
    session.login(UserType::So, Some(&pin)).expect("its officer");
    session.init_pin(&pin).expect("a PIN");
    session.logout().expect("logged out");
}

/// What every token has to do: make keys that stay inside, sign, be found again. With `aside`, one is set aside too.
fn holds_keys(module: PathBuf, kinds: &[KeyType], aside: bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let token = token(module, folder.path());
    let keys = Arc::new(TokenKeys::new(&token).expect("a library"));
    prepare(&keys.0.library);
    for kind in kinds {
        let state = folder.path().join(kind.to_string());
        let mut store = Store::open_with(&state, *kind, keys.clone()).expect("opened");
        let key = store.key();
        assert_eq!(key.kind(), *kind);
        let csr = key.csr("thermometer-7").expect("a CSR");
        let read = UncheckedCsr::from_pem(&csr.pem);
        assert!(read.is_ok(), "{kind}: our own policy takes it: {read:?}");
        let (_, parsed) = X509CertificationRequest::from_der(&csr.der).expect("PKCS#10");
        parsed.verify_signature().expect("its own signature");
        let signature = key.sign(b"message").expect("signed");
        verified(*kind, &key.spki(), b"message", &signature);

        let note = std::fs::read_to_string(state.join("key.uri")).expect("a note");
        assert!(note.starts_with("pkcs11:token="), "{note}");
        assert!(!state.join("key.pem").exists(), "no key in a file");
        drop(store);
        store = Store::open_with(&state, *kind, keys.clone()).expect("opened again");
        assert_eq!(store.key().id(), key.id(), "the same key");
        stays_inside(&keys, &note);

        if aside {
            store.set_key_aside().expect("set aside");
            assert_ne!(store.key().id(), key.id());
        }
    }
    let refused = keys.make(KeyType::Ed25519).map(drop);
    assert_eq!(refused, Err(KeyError::NotInToken(KeyType::Ed25519)));
}

fn verified(kind: KeyType, spki: &[u8], message: &[u8], signature: &[u8]) {
    let algorithm: &dyn VerificationAlgorithm = match kind {
        KeyType::P256 => &ECDSA_P256_SHA256_ASN1,
        KeyType::P384 => &ECDSA_P384_SHA384_ASN1,
        _ => &RSA_PKCS1_2048_8192_SHA256,
    };
    let (_, parsed) = SubjectPublicKeyInfo::from_der(spki).expect("a public key");
    let public = UnparsedPublicKey::new(algorithm, &parsed.subject_public_key.data);
    public.verify(message, signature).expect("a good signature");
}

/// The private half cannot be read, not even by who is logged in.
fn stays_inside(keys: &TokenKeys, note: &str) {
    let session = keys.0.session().expect("a session");
    let id = objects::id(note).expect("an id");
    let private = find(&session, ObjectClass::PRIVATE_KEY, &id).expect("the key");
    let asked = [
        AttributeType::Extractable,
        AttributeType::Sensitive,
        AttributeType::NeverExtractable,
        AttributeType::AlwaysSensitive,
        AttributeType::Value,
        AttributeType::PrivateExponent,
    ];
    let said = session.get_attributes(private, &asked).expect("attributes");
    for wanted in [
        Attribute::Extractable(false),
        Attribute::Sensitive(true),
        Attribute::NeverExtractable(true),
        Attribute::AlwaysSensitive(true),
    ] {
        assert!(said.contains(&wanted), "{wanted:?} is not among {said:?}");
    }
    let secrets = said
        .iter()
        .filter(|said| matches!(said, Attribute::Value(_) | Attribute::PrivateExponent(_)));
    assert_eq!(secrets.count(), 0, "{said:?}");
}

fn softhsm(folder: &Path) -> PathBuf {
    let (configuration, objects) = (folder.join("softhsm2.conf"), folder.join("tokens"));
    std::fs::create_dir(&objects).expect("a folder");
    std::fs::write(
        &configuration,
        format!(
            "directories.tokendir = {}\nobjectstore.backend = file\n",
            objects.display()
        ),
    )
    .expect("written");
    configuration
}

/// Threat model: SES-7.
#[test]
fn softhsm_makes_keys_that_never_leave_it() {
    if is_inside() {
        return holds_keys(
            library(&["libsofthsm2.so"]),
            &[KeyType::P256, KeyType::P384, KeyType::Rsa],
            true,
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    let configuration = softhsm(folder.path());
    again(
        "key::token::tests::softhsm_makes_keys_that_never_leave_it",
        &[("SOFTHSM2_CONF", &configuration)],
    );
}

#[test]
fn a_wrong_pin_is_tried_once_and_a_missing_token_is_named() {
    if is_inside() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut token = token(library(&["libsofthsm2.so"]), folder.path());
        prepare(&TokenKeys::new(&token).expect("a library").0.library);
        token.label = "elsewhere".to_owned();
        let missing = TokenKeys::new(&token).expect("a library").make(KeyType::P256);
        let told = missing.map(drop).expect_err("no such token").to_string();
        assert!(
            told.contains("elsewhere") && told.contains("there are: device"),
            "{told}"
        );

        token.label = NAME.to_owned();
        std::fs::write(&token.pin_file, "9999").expect("written");
        let keys = TokenKeys::new(&token).expect("a library");
        for _ in 0..20 {
            let told = keys
                .make(KeyType::P256)
                .map(drop)
                .expect_err("refused")
                .to_string();
            assert!(told.contains("its PIN is another"), "{told}");
        }
        std::fs::write(&token.pin_file, PIN).expect("written");
        let keys = TokenKeys::new(&token).expect("a library");
        assert!(keys.make(KeyType::P256).is_ok(), "the token is not locked");

        std::fs::write(&token.pin_file, "\n").expect("written");
        assert!(TokenKeys::new(&token).is_err(), "an empty PIN");
        token.module = folder.path().join("none.so");
        assert!(TokenKeys::new(&token).is_err(), "no library");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let configuration = softhsm(folder.path());
    again(
        "key::token::tests::a_wrong_pin_is_tried_once_and_a_missing_token_is_named",
        &[("SOFTHSM2_CONF", &configuration)],
    );
}

/// A TPM 2.0 in software, ended with the test.
struct SoftwareTpm(Child);

impl Drop for SoftwareTpm {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}

/// Threat model: SES-7.
#[test]
fn a_tpm_makes_keys_that_never_leave_it() {
    if is_inside() {
        return holds_keys(
            library(&["libtpm2_pkcs11.so", "libtpm2_pkcs11.so.1"]),
            &[KeyType::P256, KeyType::Rsa],
            // Without a resource manager (/dev/tpmrm0 on real machines) a TPM has room for one key in use at a time.
            false,
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (socket, store) = (folder.path().join("tpm"), folder.path().join("store"));
    for folder in [&folder.path().join("state"), &store] {
        std::fs::create_dir(folder).expect("a folder");
    }
    let tpm = Command::new("swtpm")
        .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
        .arg("--tpmstate")
        .arg(format!("dir={}", folder.path().join("state").display()))
        .arg("--server")
        .arg(format!("type=unixio,path={}", socket.display()))
        .arg("--ctrl")
        .arg(format!("type=unixio,path={}.ctrl", socket.display()))
        .spawn()
        .expect("swtpm is there: scripts/setup test installs it");
    let _tpm = SoftwareTpm(tpm);
    while !socket.exists() {
        std::thread::yield_now();
    }
    let tcti = PathBuf::from(format!("swtpm:path={}", socket.display()));
    let environment: [(&str, &Path); 2] = [("TPM2_PKCS11_TCTI", &tcti), ("TPM2_PKCS11_STORE", &store)];
    again(
        "key::token::tests::a_tpm_makes_keys_that_never_leave_it",
        &environment,
    );
}

#[test]
fn a_key_is_found_again_by_its_uri() {
    let uri = objects::uri("Gerät 7", &[0, 0xab, 0xff]);
    assert_eq!(
        uri,
        "pkcs11:token=%47%65%72%c3%a4%74%20%37;id=%00%ab%ff;object=gangway-device\n"
    );
    assert_eq!(objects::id(&uri), Some(vec![0, 0xab, 0xff]));
    for none in [
        "",
        "pkcs11:token=a",
        "pkcs11:id=",
        "pkcs11:id=%zz",
        "-----BEGIN PRIVATE KEY-----",
    ] {
        assert_eq!(objects::id(none), None, "{none}");
    }
}
