//! Intermediates of corporate CAs, as `openssl` makes them: what it verifies is imported, and the rest is refused for its
//! true reason.

use gangway_protocol::certificate::{join_chain, split_chain};
use gangway_protocol::time::UnixMillis;
use gangway_server::ca::import::import;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use crate::support::program::{on, refuses, succeeds, text};
use crate::support::{Engine, Server};

use super::works::{CA, ORDINARY, P256, RSA, Works};

#[tokio::test]
async fn what_openssl_verifies_is_imported() {
    let server = Server::start(Engine::Sqlite).await;
    let pss = "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32";
    let cases = [
        ("ordinary", ORDINARY),
        (
            "RSA 6144",
            Works {
                root_key: "-algorithm RSA -pkeyopt rsa_keygen_bits:6144",
                ..ORDINARY
            },
        ),
        (
            "a root with SHA-1",
            Works {
                root_key: RSA,
                root_signed: "-sha1",
                ..ORDINARY
            },
        ),
        (
            "e = 3",
            Works {
                root_key: "-algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3",
                ..ORDINARY
            },
        ),
        (
            "PSS",
            Works {
                root_key: RSA,
                root_signed: pss,
                signed: pss,
                ..ORDINARY
            },
        ),
        (
            "a key for PSS alone",
            Works {
                root_key: "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
                root_signed: pss,
                signed: pss,
                ..ORDINARY
            },
        ),
        (
            "name constraints for DNS",
            Works {
                extensions: &format!("{CA}nameConstraints=critical,permitted;DNS:works.example\n"),
                ..ORDINARY
            },
        ),
        (
            "clientAuth among others",
            Works {
                extensions: &format!("{CA}extendedKeyUsage=serverAuth,clientAuth\n"),
                ..ORDINARY
            },
        ),
        (
            "a root for certificates alone",
            Works {
                root_extensions: &CA.replace(",cRLSign", ""),
                ..ORDINARY
            },
        ),
    ];
    for (what, works) in cases {
        let verdict = works.make().verdict(&server).await;
        assert!(verdict.is_ok(), "{what}: {verdict:?}");
    }
}

#[tokio::test]
async fn an_explicit_critical_false_keeps_its_signature() {
    let server = Server::start(Engine::Sqlite).await;
    let made = ORDINARY.make();
    let root_key = split_chain(&made.read("root.key").replace("PRIVATE KEY", "CERTIFICATE")).expect("PEM");
    for file in ["own.pem", "root.pem"] {
        made.write(
            file,
            join_chain([with_explicit_false(&made.der(file), &root_key[0])]),
        );
    }
    let verdict = made.verdict(&server).await;
    assert!(verdict.is_ok(), "{verdict:?}");
}

/// The certificate with `critical FALSE` written out in an extension, where DER leaves it out, signed anew.
fn with_explicit_false(der: &[u8], root_key: &[u8]) -> Vec<u8> {
    let tbs = Certificate::from_der(der).expect("a certificate").tbs_certificate;
    let mut extensions = Vec::new();
    for extension in tbs.extensions.iter().flatten() {
        let id = extension.extn_id.to_der().expect("DER");
        let critical: &[u8] = if extension.critical {
            &[1, 1, 0xff]
        } else {
            &[1, 1, 0]
        };
        let value = extension.extn_value.to_der().expect("DER");
        extensions.extend(tlv(0x30, &[&id, critical, &value]));
    }
    let algorithm = tbs.signature.to_der().expect("DER");
    let signed = tlv(
        0x30,
        &[
            &[0xa0, 3, 2, 1, 2],
            &tbs.serial_number.to_der().expect("DER"),
            &algorithm,
            &tbs.issuer.to_der().expect("DER"),
            &tbs.validity.to_der().expect("DER"),
            &tbs.subject.to_der().expect("DER"),
            &tbs.subject_public_key_info.to_der().expect("DER"),
            &tlv(0xa3, &[&tlv(0x30, &[&extensions])]),
        ],
    );
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, root_key, &random).expect("a key");
    let signature = key.sign(&random, &signed).expect("a signature");
    tlv(0x30, &[&signed, &algorithm, &tlv(3, &[&[0], signature.as_ref()])])
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let len = u16::try_from(content.len()).expect("short").to_be_bytes();
    let header = match content.len() {
        ..=0x7f => vec![tag, len[1]],
        0x80..=0xff => vec![tag, 0x81, len[1]],
        _ => vec![tag, 0x82, len[0], len[1]],
    };
    [header, content].concat()
}

#[tokio::test]
async fn names_that_differ_in_their_string_type_only_are_the_same() {
    let server = Server::start(Engine::Sqlite).await;
    let made = ORDINARY.make();
    let (utf8, printable) = (made.der("root.pem"), {
        made.write(
            "printable.cnf",
            "[req]\ndistinguished_name=dn\nstring_mask=default\n[dn]\n",
        );
        made.openssl("req -new -config printable.cnf -key root.key -subj /O=Works/CN=Root -out root.csr");
        made.openssl("x509 -req -in root.csr -signkey root.key -days 7300 -extfile root.cnf -out root.pem");
        made.der("root.pem")
    });
    let subject = |der: &[u8]| {
        Certificate::from_der(der)
            .expect("a certificate")
            .tbs_certificate
            .subject
    };
    assert_ne!(
        subject(&utf8),
        subject(&printable),
        "the names are written differently"
    );
    let verdict = made.verdict(&server).await;
    assert!(verdict.is_ok(), "{verdict:?}");
}

#[test]
fn an_issuer_whose_certificates_nobody_could_verify_is_refused_with_the_reason() {
    let with = |extensions: &str| {
        Works {
            extensions,
            ..ORDINARY
        }
        .make()
    };
    let ca = |more: &str| format!("{CA}{more}\n");
    with(&ca("extendedKeyUsage=serverAuth")).is_refused("other purposes than clientAuth");
    with(&CA.replace("keyCertSign,", "")).is_refused("keyUsage without keyCertSign");
    with(&CA.replace(",cRLSign", "")).is_refused("keyUsage without cRLSign");
    with(&CA.replace("CA:TRUE", "CA:FALSE")).is_refused("not a CA");
    with(&ca("nameConstraints=critical,excluded;URI:.example")).is_refused("name constraints exclude");
    with(&ca(
        "nameConstraints=critical,permitted;dirName:dn\n[dn]\nO=Works",
    ))
    .is_refused("name constraints exclude");
    with(&ca("policyConstraints=critical,requireExplicitPolicy:0"))
        .is_refused("requires certificate policies");
    with(&ca("1.2.3.4=critical,ASN1:NULL")).is_refused("not known here (1.2.3.4)");
    let p521 = "-algorithm EC -pkeyopt ec_paramgen_curve:P-521";
    Works {
        root_key: p521,
        ..ORDINARY
    }
    .make()
    .is_refused("signed with ECDSA on P-521");
    Works {
        signed: "-sha512",
        ..ORDINARY
    }
    .make()
    .is_refused("signed with ECDSA with SHA-512");
    Works {
        root_key: RSA,
        signed: "-sha1",
        ..ORDINARY
    }
    .make()
    .is_refused("signed with RSA and SHA-1, which is no longer safe");
    let long_salt = "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20";
    Works {
        root_key: RSA,
        signed: long_salt,
        ..ORDINARY
    }
    .make()
    .is_refused("a salt of 20 bytes instead of 32");
    let root_purposes = ca("extendedKeyUsage=serverAuth");
    Works {
        root_extensions: &root_purposes,
        ..ORDINARY
    }
    .make()
    .is_refused("CN=Root");
}

/// Nobody asks a trust anchor what its key is for (RFC 5280 §6.1.1 (d)), and roots of old say nothing about it.
#[test]
fn an_intermediate_without_key_usage_is_refused_and_a_root_without_it_is_not() {
    let without = CA.replace("keyUsage=critical,keyCertSign,cRLSign\n", "");
    assert_ne!(without, CA);
    Works {
        extensions: &without,
        ..ORDINARY
    }
    .make()
    .is_refused("keyUsage, with keyCertSign and");
    Works {
        root_extensions: &without,
        ..ORDINARY
    }
    .make()
    .is_refused("it was imported");
}

#[test]
fn dates_path_length_and_order_are_told() {
    let made = ORDINARY.make();
    let (past, future) = (UnixMillis(0), made.now().plus(11 * 365 * UnixMillis::DAY));
    assert!(
        made.refusal_at(past).contains("it is not valid before 20"),
        "{}",
        made.refusal_at(past)
    );
    assert!(
        made.refusal_at(future).contains("it expired at 20"),
        "{}",
        made.refusal_at(future)
    );

    made.openssl("genpkey -out below.key -algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    made.openssl("req -new -key below.key -subj /O=Works/CN=Below -out below.csr");
    made.openssl(
        "x509 -req -in below.csr -CA own.pem -CAkey own.key -days 3000 -extfile own.cnf -out below.pem",
    );
    let three = made.read("below.pem") + &made.chain();
    let imported =
        import(three.as_bytes(), made.read("below.key").as_bytes(), made.now()).expect("a chain of three");
    assert_eq!(imported.above, [made.der("own.pem")]);
    let limited = CA.replace("CA:TRUE", "CA:TRUE,pathlen:0");
    made.write("own.cnf", &limited);
    made.openssl(
        "x509 -req -in own.csr -CA root.pem -CAkey root.key -days 3650 -extfile own.cnf -out own.pem",
    );
    let three = made.read("below.pem") + &made.chain();
    let error = import(three.as_bytes(), made.read("below.key").as_bytes(), made.now())
        .err()
        .expect("refused");
    assert!(
        error.to_string().contains("allows 0 intermediates below it"),
        "{error}"
    );

    let refusal = |chain: String| {
        let key = made.read("own.key");
        import(chain.as_bytes(), key.as_bytes(), made.now())
            .err()
            .expect("refused")
            .to_string()
    };
    let reversed = refusal(made.read("root.pem") + &made.read("own.pem"));
    assert!(
        reversed.contains("issued by CN=Root,O=Works, but the next certificate"),
        "{reversed}"
    );
    let without_root = refusal(made.read("own.pem") + &made.read("own.pem"));
    assert!(
        without_root.contains("but the next certificate"),
        "{without_root}"
    );
    let without_root = refusal(made.read("below.pem") + &made.read("own.pem"));
    assert!(
        without_root.contains("but no root: it was issued by CN=Root,O=Works"),
        "{without_root}"
    );
    let other = ORDINARY.make();
    let other_root = refusal(made.read("own.pem") + &other.read("root.pem"));
    assert!(
        other_root.contains("another key of CN=Root,O=Works"),
        "{other_root}"
    );
    let second_line = made.read("own.pem").lines().count() + 1;
    let chain = made.chain();
    let cut = refusal(chain[..chain.len() - 40].to_owned());
    assert!(cut.contains(&format!("line {second_line}: ")), "{cut}");
}

#[test]
fn a_root_is_no_intermediate_of_its_own() {
    let made = ORDINARY.make();
    let (twice, key) = (made.read("root.pem").repeat(2), made.read("root.key"));
    let refused = import(twice.as_bytes(), key.as_bytes(), made.now())
        .err()
        .expect("it is the root")
        .to_string();
    assert!(refused.contains("it has issued itself"), "{refused}");
}

#[test]
fn a_chain_that_changed_on_the_way_is_refused() {
    let made = ORDINARY.make();
    let mut der = made.der("own.pem");
    let last = der.len() - 1;
    der[last] ^= 1;
    made.write("own.pem", join_chain([der]));
    made.is_refused("the certificate was changed");
}

#[test]
fn keys_that_cannot_sign_are_told_apart() {
    let made = ORDINARY.make();
    let refusal = || made.refusal_at(made.now());
    made.openssl("genpkey -out own.key -algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    assert!(refusal().contains("not the key of the first"), "{}", refusal());
    made.openssl("genpkey -out own.key -algorithm RSA -pkeyopt rsa_keygen_bits:6144");
    assert!(refusal().contains("2048 to 4096 bits"), "{}", refusal());
    made.openssl("genpkey -out own.key -algorithm EC -pkeyopt ec_paramgen_curve:P-521");
    assert!(refusal().contains("not an unencrypted P-256"), "{}", refusal());
    made.openssl(&format!("genpkey -out own.key {P256} -aes256 -pass pass:secret"));
    assert!(refusal().contains("is encrypted"), "{}", refusal());
    made.write("own.key", made.chain());
    assert!(
        refusal().contains("holds no private key in PEM, only CERTIFICATE"),
        "{}",
        refusal()
    );
}

#[tokio::test]
async fn the_command_line_imports_files_as_tools_write_them() {
    let server = Server::start(Engine::Sqlite).await;
    let data_dir = server.gangway.config.data_dir.clone();
    let made = ORDINARY.make();
    let file = |name: &str| made.folder.path().join(name);
    let import = || {
        let (chain, key) = (file("chain.pem"), file("own.key"));
        on(
            &data_dir,
            &[
                "admin",
                "ca",
                "import-intermediate",
                "--chain",
                text(&chain),
                "--key",
                text(&key),
            ],
        )
    };
    made.write("chain.pem", made.read("own.pem"));
    refuses(&import(), "must hold the whole chain");
    let joined = made.read("own.pem").trim_end().to_owned() + &made.read("root.pem");
    made.write(
        "chain.pem",
        format!("\u{feff}subject=CN = Devices\r\n{}", joined.replace('\n', "\r\n")),
    );
    assert!(succeeds(&import()).starts_with("iss_"));
}
