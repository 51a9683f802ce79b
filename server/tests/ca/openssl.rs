//! openssl as the judge of chains and revocation lists.

use std::path::Path;
use std::process::Command;

use gangway_protocol::certificate::{RevocationReason, split_chain};
use gangway_protocol::time::UnixMillis;
use gangway_server::ca::Chain;
use gangway_server::ca::crl::Crl;
use gangway_server::db::certificates::RevokedSerial;

use crate::support::{START, both_engines, csr};

use super::identity;

/// Runs openssl; returns what it printed.
pub(crate) fn openssl(arguments: &[&str], files: &[(&str, &Path)]) -> Result<String, String> {
    let mut command = Command::new("openssl");
    command.args(arguments);
    for (option, path) in files {
        if !option.is_empty() {
            command.arg(option);
        }
        command.arg(path);
    }
    let output = command.output().expect("openssl runs");
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        Ok(text)
    } else {
        Err(text)
    }
}

pub(super) struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    pub(super) fn new(chain: &Chain) -> Self {
        let files = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        let ders = split_chain(&chain.chain).expect("PEM");
        files.write(
            "leaf.pem",
            gangway_protocol::certificate::join_chain([&ders[0]]).as_bytes(),
        );
        files.write(
            "intermediate.pem",
            gangway_protocol::certificate::join_chain([&ders[1]]).as_bytes(),
        );
        files.write("root.pem", chain.trust_anchors.as_bytes());
        files
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path(name), content).expect("a file is written");
    }

    /// `openssl verify`, as strict as it gets, at the tests' present.
    pub(super) fn verify(&self, options: &[&str], at: UnixMillis) -> Result<String, String> {
        let at = at.as_secs().to_string();
        let mut arguments = vec!["verify", "-x509_strict", "-purpose", "sslclient", "-attime", &at];
        arguments.extend(options);
        let root = self.path("root.pem");
        let intermediate = self.path("intermediate.pem");
        let leaf = self.path("leaf.pem");
        openssl(
            &arguments,
            &[("-CAfile", &root), ("-untrusted", &intermediate), ("", &leaf)],
        )
    }
}

both_engines!(
    async fn openssl_verifies_chains_of_every_kind_of_key(server: Server) {
        for (kind, csr) in csr::of_every_kind() {
            let (_, chain) = server.certify(&identity(&server), &csr, 90);
            let files = Files::new(&chain);
            let verdict = files.verify(&[], START);
            assert!(
                verdict.as_ref().is_ok_and(|text| text.contains("leaf.pem: OK")),
                "{kind}: {verdict:?}"
            );
            let expired = files.verify(&[], START.plus(91 * UnixMillis::DAY));
            assert!(expired.is_err_and(|text| text.contains("expired")), "{kind}");
        }
    }
);

both_engines!(
    /// Threat model: ENR-18.
    async fn openssl_reads_and_verifies_the_revocation_lists(server: Server) {
        let (draft, chain) = server.certify(&identity(&server), &csr::csr(&csr::key()), 90);
        let files = Files::new(&chain);
        let crl = server.crl(&draft.issuer, START).await;
        files.write("crl.der", &crl.der);
        let text = openssl(
            &["crl", "-inform", "DER", "-noout", "-text"],
            &[
                ("-in", &files.path("crl.der")),
                ("-CAfile", &files.path("intermediate.pem")),
            ],
        )
        .expect("openssl reads it");
        assert!(text.contains("verify OK"), "{text}");
        assert!(text.contains("No Revoked Certificates"), "{text}");
        assert!(text.contains("X509v3 CRL Number"), "{text}");
        assert!(text.contains("X509v3 Authority Key Identifier"), "{text}");
        assert!(text.contains("Version 2"), "{text}");

        // The whole chain with the lists of both issuers.
        let root = server
            .gangway
            .ca
            .export_root(&server.gangway.db)
            .await
            .expect("the root");
        let of_root = server.crl(&root.id, START).await;
        files.write("root.crl", &of_root.der);
        for (der, pem) in [("crl.der", "crl.pem"), ("root.crl", "root.crl.pem")] {
            openssl(
                &["crl", "-inform", "DER"],
                &[("-in", &files.path(der)), ("-out", &files.path(pem))],
            )
            .expect("converted");
        }
        let lists = [files.path("crl.pem"), files.path("root.crl.pem")];
        let [own, roots] = lists.each_ref().map(|path| path.to_str().expect("a path"));
        let verdict = files.verify(&["-crl_check_all", "-CRLfile", own, "-CRLfile", roots], START);
        assert!(verdict.is_ok(), "{verdict:?}");
    }
);

#[tokio::test]
async fn openssl_reads_every_reason() {
    use gangway_server::ca::founding::{Plan, found_root};
    use gangway_server::ca::profile::Serial;

    let plan = Plan {
        id: gangway_protocol::id::IssuerId::new(START, [1; 10]),
        serial: Serial::from_random([7; 16]),
        host: "panel.example",
        public_url: "https://panel.example",
        now: START,
    };
    let root = found_root(plan).expect("a root");
    let revoked: Vec<RevokedSerial> = RevocationReason::ALL
        .into_iter()
        .enumerate()
        .map(|(at, reason)| RevokedSerial {
            serial: format!("7{at:01x}aabbccddeeff0011"),
            at: START,
            reason,
        })
        .collect();
    let list = Crl {
        number: 1 << 40,
        this_update: START,
        next_update: START.plus(UnixMillis::DAY),
        revoked: &revoked,
    };
    let der = list.sign(&root.certificate, &root.key).expect("a list");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("crl.der");
    std::fs::write(&path, der).expect("a file is written");
    let text =
        openssl(&["crl", "-inform", "DER", "-noout", "-text"], &[("-in", &path)]).expect("openssl reads it");
    for words in [
        "Key Compromise",
        "Affiliation Changed",
        "Superseded",
        "Cessation Of Operation",
        "Certificate Hold",
        "Privilege Withdrawn",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // RFC 5280 §5.3.1: "unspecified" is said by leaving the reason out.
    assert_eq!(text.matches("Serial Number:").count(), 7);
    assert_eq!(text.matches("X509v3 CRL Reason Code").count(), 6);
}

both_engines!(
    /// Threat model: ENR-18.
    async fn a_list_stays_while_nothing_changes_and_is_made_anew_before_it_ends(server: Server) {
        let (draft, _) = server.certify(&identity(&server), &csr::csr(&csr::key()), 90);
        let after = |hours| START.plus(hours * UnixMillis::HOUR);
        let first = server.crl(&draft.issuer, START).await;
        let later = server.crl(&draft.issuer, after(23)).await;
        assert_eq!(first, later);
        let renewed = server.crl(&draft.issuer, after(25)).await;
        assert!(renewed.number > first.number);
        let server = server.restart().await;
        let kept = server.crl(&draft.issuer, after(26)).await;
        assert_eq!(kept, renewed, "a restart changes nothing");
    }
);

both_engines!(
    /// Threat model: ENR-18.
    async fn a_list_is_good_for_verifiers_whose_clock_is_behind(server: Server) {
        let (draft, chain) = server.certify(&identity(&server), &csr::csr(&csr::key()), 90);
        let files = Files::new(&chain);
        files.write("crl.der", &server.crl(&draft.issuer, START).await.der);
        let (der, pem) = (files.path("crl.der"), files.path("crl.pem"));
        openssl(&["crl", "-inform", "DER"], &[("-in", &der), ("-out", &pem)]).expect("converted");
        let list = pem.to_str().expect("a path");
        for behind in [
            UnixMillis::SECOND,
            30 * UnixMillis::SECOND,
            4 * UnixMillis::MINUTE,
        ] {
            let verdict = files.verify(&["-crl_check", "-CRLfile", list], START.plus(-behind));
            assert!(verdict.is_ok(), "{behind} ms behind: {verdict:?}");
        }
    }
);

both_engines!(
    /// Threat model: ENR-18.
    async fn a_list_of_a_clock_in_the_future_is_replaced_by_one_with_a_higher_number(server: Server) {
        let (draft, chain) = server.certify(&identity(&server), &csr::csr(&csr::key()), 90);
        let ahead = server
            .crl(&draft.issuer, START.plus(3650 * UnixMillis::DAY))
            .await;
        let server = server.restart().await;
        let present = server.crl(&draft.issuer, START).await;
        assert!(
            present.number > ahead.number,
            "RFC 5280 §5.2.3: monotonically increasing"
        );
        let files = Files::new(&chain);
        files.write("crl.der", &present.der);
        let (der, pem) = (files.path("crl.der"), files.path("crl.pem"));
        openssl(&["crl", "-inform", "DER"], &[("-in", &der), ("-out", &pem)]).expect("converted");
        let list = pem.to_str().expect("a path");
        let verdict = files.verify(&["-crl_check", "-CRLfile", list], START);
        assert!(verdict.is_ok(), "{verdict:?}");
        let kept = server.crl(&draft.issuer, START.plus(UnixMillis::HOUR)).await;
        assert_eq!(kept, present, "it is an ordinary list from then on");
    }
);
