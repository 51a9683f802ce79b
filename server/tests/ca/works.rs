//! Chains of a corporate CA, made by `openssl` in a folder of their own.

use std::process::Command;

use gangway_protocol::certificate::split_chain;
use gangway_protocol::time::UnixMillis;
use gangway_server::ca::Chain;
use gangway_server::ca::import::import;
use gangway_server::enrolment::check_csr;

use crate::support::{Server, csr};

use super::identity;
use super::openssl::Files;

pub(super) const P256: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
pub(super) const RSA: &str = "-algorithm RSA -pkeyopt rsa_keygen_bits:2048";
pub(super) const CA: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
                  subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n";

/// How to make a chain, where it is not the ordinary one.
#[derive(Clone, Copy)]
pub(super) struct Works<'a> {
    pub(super) root_key: &'a str,
    /// Options for the root's own signature.
    pub(super) root_signed: &'a str,
    pub(super) root_extensions: &'a str,
    /// Options for the signature on the intermediate.
    pub(super) signed: &'a str,
    pub(super) extensions: &'a str,
}

pub(super) const ORDINARY: Works<'static> = Works {
    root_key: P256,
    root_signed: "-sha256",
    root_extensions: CA,
    signed: "-sha256",
    extensions: CA,
};

/// A chain of files in a folder of its own.
pub(super) struct Made {
    pub(super) folder: tempfile::TempDir,
}

impl Works<'_> {
    pub(super) fn make(self) -> Made {
        let made = Made {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        made.write("root.cnf", self.root_extensions);
        made.write("own.cnf", self.extensions);
        made.openssl(&format!("genpkey -out root.key {}", self.root_key));
        made.openssl(&format!("genpkey -out own.key {P256}"));
        made.openssl("req -new -key root.key -subj /O=Works/CN=Root -out root.csr");
        made.openssl(&format!(
            "x509 -req -in root.csr -signkey root.key -days 7300 -extfile root.cnf -out root.pem {}",
            self.root_signed
        ));
        made.openssl("req -new -key own.key -subj /O=Works/CN=Devices -out own.csr");
        made.openssl(&format!(
            "x509 -req -in own.csr -CA root.pem -CAkey root.key -days 3650 -extfile own.cnf -out own.pem {}",
            self.signed
        ));
        made
    }
}

impl Made {
    pub(super) fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(&self.folder)
            .output()
            .expect("openssl runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments}: {said}");
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.folder.path().join(name), content).expect("a file is written");
    }

    pub(super) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).expect("a file")
    }

    pub(super) fn der(&self, name: &str) -> Vec<u8> {
        split_chain(&self.read(name)).expect("PEM").swap_remove(0)
    }

    pub(super) fn chain(&self) -> String {
        self.read("own.pem") + &self.read("root.pem")
    }

    /// A minute after openssl made it.
    pub(super) fn now(&self) -> UnixMillis {
        let made = std::fs::metadata(self.folder.path().join("own.pem")).and_then(|file| file.modified());
        let since = made
            .expect("a time")
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970");
        UnixMillis(i64::try_from(since.as_millis()).expect("a time")).plus(UnixMillis::MINUTE)
    }

    /// Why it is not imported.
    pub(super) fn refusal_at(&self, now: UnixMillis) -> String {
        let imported = import(self.chain().as_bytes(), self.read("own.key").as_bytes(), now);
        imported
            .err()
            .map_or_else(|| "it was imported".to_owned(), |error| error.to_string())
    }

    #[track_caller]
    pub(super) fn is_refused(&self, words: &str) {
        let refusal = self.refusal_at(self.now());
        assert!(refusal.contains(words), "{words}: {refusal}");
    }

    /// Imports it, has a device's certificate signed, and gives the whole chain to openssl.
    pub(super) async fn verdict(&self, server: &Server) -> Result<String, String> {
        let (gangway, now) = (&server.gangway, self.now());
        let id = gangway
            .ca
            .import_intermediate(
                &gangway.db,
                self.chain().as_bytes(),
                self.read("own.key").as_bytes(),
                now,
                &*gangway.random,
            )
            .await
            .map_err(|error| error.to_string())?;
        let request = check_csr(&csr::csr(&csr::key())).expect("a good CSR");
        let draft = gangway
            .ca
            .draft(&identity(server), request.key(), 90, now, &*gangway.random)
            .expect("a draft");
        let leaf = gangway
            .ca
            .leaf_issuer(&draft.issuer)
            .and_then(|issuer| issuer.sign(&draft.to_be_signed))
            .expect("a signature");
        let Chain { chain, trust_anchors } = gangway.ca.chain(&id, &leaf.pem).expect("known");
        let kept = split_chain(&(chain.clone() + &trust_anchors)).expect("PEM");
        let came = split_chain(&self.chain()).expect("PEM");
        assert_eq!(kept[1..], came, "issuers are handed on byte for byte");
        Files::new(&Chain { chain, trust_anchors }).verify(&[], now)
    }
}
