//! The page of the record as the server draws it: whole without scripts, in the reader's language, for admins alone.

use gangway_protocol::organisation::Role;
use gangway_protocol::path::page as paths;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::support::member::Member;
use crate::support::visitor::Visitor;
use crate::support::{Server, both_engines, csr};

/// Somebody whose browser speaks German.
struct German<'a>(&'a Member);

impl Visitor for German<'_> {
    fn headers(&self) -> HeaderMap {
        let mut headers = self.0.headers();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("de"));
        headers
    }
}

async fn page(server: &Server, visitor: &impl Visitor, query: &str) -> String {
    let path = format!("{}?{query}", paths::ORGANISATION_AUDIT);
    let reply = server.get(visitor, &path).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
    String::from_utf8(reply.body).expect("UTF-8")
}

both_engines!(
    async fn the_page_tells_who_did_what_in_the_readers_language(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada <Admin>").await;
        let operator = server.member(&home, Role::Operator, "Olga").await;
        let device = ada.enrol(&server, &csr::key()).await.device;
        let whole = page(&server, &ada, "").await;
        for words in [
            "Record of Works",
            "Approved",
            "confirmed with a passkey",
            "Certificate issued",
            "Ada &lt;Admin&gt;",
            &format!("/fleet/{device}"),
            &format!("/api/v1/organisations/{home}/audit.csv"),
            &format!("/api/v1/organisations/{home}/audit/checkpoint"),
        ] {
            assert!(whole.contains(words), "{words}: {whole}");
        }
        let german = page(&server, &German(&ada), "action=device.&verify=true").await;
        for words in ["Protokoll von Works", "Freigegeben", "3 Einträge halten."] {
            assert!(german.contains(words), "{words}: {german}");
        }
        let rows = german.matches("<tr role=\"row\"").count();
        assert_eq!(rows, 3, "the head, approved, consented: {german}");
        let none = page(&server, &ada, "since=2001-01-01&until=2001-01-02").await;
        assert!(none.contains("No entry fits"), "{none}");
        let refused = page(&server, &operator, "").await;
        assert!(
            refused.contains("Only admins of an organisation read its record."),
            "{refused}"
        );
        assert!(!refused.contains("Certificate issued"), "{refused}");
        let linked = server
            .get(&ada, &format!("{}?organisation={home}", paths::ORGANISATION))
            .await;
        let linked = String::from_utf8(linked.body).expect("UTF-8");
        assert!(linked.contains("Its record"), "{linked}");

        server.fill_record(&home, 60).await;
        let first = page(&server, &ada, "").await;
        assert!(first.contains("Older entries"), "{first}");
        let (_, after) = first.split_once("after=").expect("a link");
        let after: String = after
            .chars()
            .take_while(|letter| letter.is_ascii_alphanumeric() || "-_".contains(*letter))
            .collect();
        let second = page(&server, &ada, &format!("after={after}")).await;
        assert!(
            second.contains("Approved") && second.contains("Back to the newest"),
            "{second}"
        );
        assert!(!second.contains("Older entries"), "{second}");
    }
);
