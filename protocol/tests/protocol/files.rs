//! Files of PEM as tools write them: what OpenSSL reads is read, and nothing that looks like a block is lost in silence.

use std::process::Command;
use std::sync::OnceLock;

use gangway_protocol::certificate::file::{
    Fault, FileError, KeyFormat, certificates, private_key, trust_anchors,
};
use gangway_protocol::certificate::join_chain;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const MOST: usize = 4;

/// Different certificates, as DER.
fn pool() -> &'static [Vec<u8>] {
    static POOL: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    POOL.get_or_init(|| {
        (0..MOST)
            .map(|index| {
                let key = rcgen::KeyPair::generate().expect("a key");
                let params = rcgen::CertificateParams::new([format!("host{index}.example")]).expect("names");
                params.self_signed(&key).expect("a certificate").der().to_vec()
            })
            .collect()
    })
}

/// How a tool writes a block, and how files of it are put together.
#[derive(Clone, Debug)]
struct Style {
    width: usize,
    line_end: &'static str,
    trailing: &'static str,
    indent: &'static str,
    mark: bool,
    before: &'static str,
    after: &'static str,
    /// Whether the file ends with a line break.
    ends: bool,
    /// First line, base64 and last line without any line break.
    on_one_line: bool,
    label: &'static str,
}

const S_CLIENT: &str =
    "CONNECTED(00000003)\n---\nCertificate chain\n 0 s:CN = panel.example\n   i:O = Works, CN = R1\n";
const TEXT_FORM: &str = "Certificate:\n    Data:\n        Version: 3 (0x2)\n        Serial Number:\n            04:5b:2f\n    Signature Algorithm: ecdsa-with-SHA256\n";
const BAG: &str = "Bag Attributes\n    localKeyID: 01 23\n    friendlyName: -- panel --\nsubject=CN = panel.example\nissuer=CN = R1\n";

fn style() -> impl Strategy<Value = Style> {
    (
        prop_oneof![Just(64), Just(76), Just(100_000), 1..300_usize],
        prop::sample::select(vec!["\n", "\r\n", "\r"]),
        prop::sample::select(vec!["", " ", "\t ", "   "]),
        prop::sample::select(vec!["", "", "    "]),
        any::<bool>(),
        prop::sample::select(vec![
            "",
            "\n\n",
            S_CLIENT,
            TEXT_FORM,
            BAG,
            "# Grüße\n",
            "Gr\u{fc}\u{df}e: ---\n",
        ]),
        prop::sample::select(vec!["", "\n", "---\nServer certificate\nsubject=CN = x\n"]),
        any::<bool>(),
        prop::bool::weighted(0.1),
        prop::sample::select(vec!["CERTIFICATE", "CERTIFICATE", "X509 CERTIFICATE"]),
    )
        .prop_map(
            |(width, line_end, trailing, indent, mark, before, after, ends, on_one_line, label)| Style {
                width,
                line_end,
                trailing,
                indent,
                mark,
                before,
                after,
                ends,
                on_one_line,
                label,
            },
        )
}

fn written(der: &[u8], style: &Style) -> Vec<u8> {
    let base64 = data_encoding::BASE64.encode(der);
    let label = style.label;
    let block = if style.on_one_line {
        format!("-----BEGIN {label}-----{base64}-----END {label}-----")
    } else {
        let lines = base64.as_bytes().chunks(style.width);
        let lines = lines.map(|line| std::str::from_utf8(line).expect("base64 is ASCII"));
        let begin = format!("-----BEGIN {label}-----");
        let end = format!("-----END {label}-----");
        std::iter::once(begin.as_str())
            .chain(lines)
            .map(|line| format!("{}{line}{}\n", style.indent, style.trailing))
            .collect::<String>()
            + style.indent
            + &end
    };
    let after = if style.after.is_empty() { "" } else { "\n" };
    let mark = if style.mark { "\u{feff}" } else { "" };
    let text = format!("{mark}{}{block}{after}{}", style.before, style.after);
    let end = if style.ends && !text.ends_with('\n') {
        "\n"
    } else {
        ""
    };
    (text + end).replace('\n', style.line_end).into_bytes()
}

/// A file joined from several, and how many certificates it holds.
fn file() -> impl Strategy<Value = (Vec<u8>, usize)> {
    prop::collection::vec(style(), 1..=MOST).prop_map(|styles| {
        let mut file = Vec::new();
        for (index, (style, der)) in styles.iter().zip(pool()).enumerate() {
            // Text without a line break before a block would be on the line of its first line: no tool leaves that.
            let mut style = style.clone();
            if index > 0 && !file.ends_with(b"\n") && !file.ends_with(b"\r") {
                style.before = "";
                style.mark = false;
            }
            if !style.after.is_empty() {
                style.ends = true;
            }
            file.extend(written(der, &style));
        }
        (file, styles.len())
    })
}

fn ders(file: &[u8]) -> Result<Vec<Vec<u8>>, FileError> {
    certificates(file).map(|found| found.into_iter().map(|certificate| certificate.der).collect())
}

/// How many certificates OpenSSL reads from a file; `None` where it refuses the file.
fn openssl_counts(file: &[u8]) -> Option<usize> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("chain.pem");
    std::fs::write(&path, file).expect("a file is written");
    // PEM_X509_INFO_read_bio, by which OpenSSL's users read chains and CA files.
    let output = Command::new("openssl")
        .args(["crl2pkcs7", "-nocrl", "-outform", "PEM", "-certfile"])
        .arg(&path)
        .output()
        .expect("openssl runs");
    if !output.status.success() {
        return None;
    }
    let bundle = folder.path().join("bundle.pem");
    std::fs::write(&bundle, output.stdout).expect("a file is written");
    let output = Command::new("openssl")
        .args(["pkcs7", "-print_certs", "-in"])
        .arg(&bundle)
        .output()
        .expect("openssl runs");
    assert!(output.status.success(), "openssl reads what it wrote");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(text.matches("-----BEGIN CERTIFICATE-----").count())
}

proptest! {
    #[test]
    fn certificates_are_read_however_a_tool_wrote_them((file, count) in file()) {
        prop_assert_eq!(ders(&file), Ok(pool()[..count].to_vec()), "{}", String::from_utf8_lossy(&file));
    }

    #[test]
    fn damage_is_told_and_never_costs_a_certificate_in_silence(
        (file, count) in file(),
        at in any::<prop::sample::Index>(),
        len in 1..200_usize,
        put in prop::sample::select(vec!["", "-", "\n", "x", "\u{2014}", " -----BEGIN", "\0", ":", "\n\n"]),
    ) {
        let mut damaged = file.clone();
        // Less than a block, so that none can vanish with both of its ends.
        let start = at.index(file.len());
        let end = (start + len).min(file.len());
        damaged.splice(start..end, put.bytes());
        if let Ok(found) = ders(&damaged) {
            prop_assert_eq!(found.len(), count, "{}", String::from_utf8_lossy(&damaged));
        }
        let anchors = trust_anchors(&damaged, |_| Ok(()));
        if let Ok(anchors) = anchors {
            prop_assert!(anchors.certificates.len() == count || !anchors.skipped.is_empty());
        }
    }

    #[test]
    fn no_file_is_the_end_of_it(file in prop::collection::vec(any::<u8>(), 0..400)) {
        drop(certificates(&file));
        drop(private_key(&file));
    }
}

#[test]
fn what_openssl_reads_is_read() {
    let config = Config {
        cases: 60,
        ..Config::default()
    };
    let damage = (file(), any::<prop::sample::Index>(), any::<bool>());
    TestRunner::new(config)
        .run(&damage, |((mut file, count), at, damaged)| {
            if damaged {
                let at = at.index(file.len());
                file.remove(at);
            }
            if let Some(read_by_openssl) = openssl_counts(&file) {
                let ours = ders(&file).map(|found| found.len());
                let as_good = ours == Ok(count) || (ours.is_err() && read_by_openssl < count) || damaged;
                prop_assert!(
                    as_good && ours.as_ref().is_ok_and(|&ours| ours >= read_by_openssl) | ours.is_err(),
                    "openssl {read_by_openssl}, ours {ours:?}: {}",
                    String::from_utf8_lossy(&file)
                );
            }
            Ok(())
        })
        .expect("nothing that openssl reads is refused or lost");
}

fn fault_of<T: std::fmt::Debug>(result: Result<T, FileError>) -> (usize, Fault) {
    match result {
        Err(FileError::At { line, fault }) => (line, fault),
        other => panic!("a fault with its line: {other:?}"),
    }
}

fn chain(count: usize) -> String {
    join_chain(&pool()[..count])
}

#[test]
fn a_damaged_block_is_told_with_its_line() {
    let whole = chain(2);
    let second = whole[1..].find("-----BEGIN").expect("two blocks") + 1;
    let second_line = whole[..second].lines().count() + 1;
    let cases: [(String, usize, &str); 7] = [
        (
            whole.replacen("-----END CERTIFICATE-----", "", 1),
            1,
            "has no -----END CERTIFICATE-----",
        ),
        (
            whole.replacen("-----END CERTIFICATE-----", "----END CERTIFICATE-----", 1),
            second_line - 1,
            "exactly",
        ),
        (whole.replacen("-----BEGIN", "—–BEGIN", 1), 1, "exactly"),
        (
            whole.replacen("-----BEGIN", "> -----BEGIN", 1),
            1,
            "alone on its line",
        ),
        (
            whole[..whole.len() - 40].to_owned(),
            second_line,
            "has no -----END",
        ),
        (
            whole.replacen("-----END CERTIFICATE", "-----END X509 CRL", 1),
            1,
            "ends as “X509 CRL”",
        ),
        (chain(1).replace('\n', "\\n"), 1, "“\\\\” cannot stand"),
    ];
    for (file, line, words) in cases {
        let error = certificates(file.as_bytes()).expect_err(words);
        let (at, fault) = fault_of::<()>(Err(error));
        assert!(
            at == line && fault.to_string().contains(words),
            "{line}, {words}: {at}, {fault}"
        );
    }
    let empty = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
    assert_eq!(fault_of(certificates(empty.as_bytes())), (1, Fault::Empty));
    let no_der = "\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(fault_of(certificates(no_der.as_bytes())), (2, Fault::NotDer));
}

#[test]
fn other_encodings_are_named() {
    let utf16: Vec<u8> = chain(1).encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(certificates(&utf16), Err(FileError::Utf16));
    assert_eq!(
        certificates(&[&b"\xff\xfe"[..], &utf16].concat()),
        Err(FileError::Utf16)
    );
    assert_eq!(certificates(&pool()[0]), Err(FileError::Binary));
    let words = |file: &str| certificates(file.as_bytes()).expect_err("refused").to_string();
    assert_eq!(words(""), "it holds no certificate in PEM");
    let request = "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n";
    assert_eq!(
        words(request),
        "it holds no certificate in PEM, only CERTIFICATE REQUEST"
    );
    let trusted = chain(1).replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    assert_eq!(fault_of(certificates(trusted.as_bytes())), (1, Fault::Trusted));
    let bundle = chain(1).replace("CERTIFICATE", "PKCS7");
    assert_eq!(fault_of(certificates(bundle.as_bytes())), (1, Fault::Bundle));
}

#[test]
fn one_bad_block_among_trust_anchors_is_left_out_and_told() {
    let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let file = chain(1) + bad + &chain(2);
    let bad_line = chain(1).lines().count() + 1;
    let found = trust_anchors(file.as_bytes(), |_| Ok(())).expect("three are good");
    assert_eq!(found.certificates.len(), 3);
    assert_eq!(
        found.skipped,
        [FileError::At {
            line: bad_line,
            fault: Fault::NotDer
        }]
    );
    let second = &pool()[1];
    let choosy = trust_anchors(file.as_bytes(), |der| {
        if der == second {
            Err("version 1".to_owned())
        } else {
            Ok(())
        }
    })
    .expect("two are good");
    assert_eq!((choosy.certificates.len(), choosy.skipped.len()), (2, 2));
    assert_eq!(
        fault_of(trust_anchors(bad.as_bytes(), |_| Ok(()))),
        (1, Fault::NotDer)
    );
}

#[test]
fn private_keys_are_told_apart() {
    let key = |label: &str, inside: &str| {
        format!("-----BEGIN {label}-----\n{inside}MAMCAQA=\n-----END {label}-----\n")
    };
    let format = |file: &str| private_key(file.as_bytes()).map(|key| key.format);
    assert_eq!(format(&key("PRIVATE KEY", "")), Ok(KeyFormat::Pkcs8));
    assert_eq!(format(&key("RSA PRIVATE KEY", "")), Ok(KeyFormat::Pkcs1));
    let with_parameters = key("EC PARAMETERS", "") + &key("EC PRIVATE KEY", "") + &chain(1);
    assert_eq!(format(&with_parameters), Ok(KeyFormat::Sec1));
    let headers = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233\n\n";
    assert_eq!(
        fault_of(format(&key("RSA PRIVATE KEY", headers))),
        (1, Fault::Encrypted)
    );
    assert_eq!(
        fault_of(format(&key("ENCRYPTED PRIVATE KEY", ""))),
        (1, Fault::Encrypted)
    );
    assert_eq!(
        fault_of(format(&(key("PRIVATE KEY", "") + &key("PRIVATE KEY", "")))),
        (4, Fault::SecondKey)
    );
    assert_eq!(
        fault_of(format(&key("OPENSSH PRIVATE KEY", ""))),
        (1, Fault::KeyFormat("OPENSSH PRIVATE KEY".to_owned()))
    );
    assert_eq!(
        format(&chain(1)).expect_err("no key").to_string(),
        "it holds no private key in PEM, only CERTIFICATE"
    );
}
