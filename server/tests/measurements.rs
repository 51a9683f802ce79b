//! Measurement feeds: how values come in, are kept, rolled up and forgotten; who may write and read them; and the interface for
//! clients of ThingSpeak.

mod charts;
mod command_line;
mod feeds;
mod keeping;
mod keys;
mod reading;
mod session;
mod updates;

use axum::body::Body;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::measurement::{ChannelNumber, Feed};
use gangway_protocol::secret::SecretString;
use gangway_server::measurements::operator::create_feed;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::support::Server;

/// A feed of a program, with its keys.
struct Channel {
    number: ChannelNumber,
    write: SecretString,
    read: SecretString,
}

/// What came back from `/thingspeak`.
#[derive(Debug)]
struct Said {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Said {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}", self.text))
    }

    #[track_caller]
    fn is(&self, status: u16, text: &str) {
        assert_eq!((self.status.as_u16(), self.text.as_str()), (status, text));
    }
}

impl Channel {
    async fn new(server: &Server) -> Self {
        let home = server.organisation("Works").await;
        Self::of(server, &home).await
    }

    async fn of(server: &Server, home: &OrganisationId) -> Self {
        let gangway = &server.gangway;
        let feed = create_feed(
            &gangway.db,
            &*gangway.clock,
            &*gangway.random,
            "Thermometer",
            Some(home.clone()),
        );
        let feed: Feed = feed.await.expect("a feed");
        let keys = feed.keys.expect("they are shown once");
        Self {
            number: feed.channel,
            write: keys.write_key,
            read: keys.read_key,
        }
    }

    /// `GET` below the channel, with its read key.
    async fn read(&self, server: &Server, what: &str) -> Said {
        let and = if what.contains('?') { '&' } else { '?' };
        let (number, key) = (self.number, self.read.expose());
        ask(server, &format!("/channels/{number}/{what}{and}api_key={key}")).await
    }

    /// `GET /update` with its write key.
    async fn update(&self, server: &Server, query: &str) -> Said {
        ask(
            server,
            &format!("/update?api_key={}&{query}", self.write.expose()),
        )
        .await
    }
}

async fn ask(server: &Server, path: &str) -> Said {
    let request = Request::get(format!("/thingspeak{path}"));
    say(server, request.body(Body::empty()).expect("a request")).await
}

async fn post(server: &Server, path: &str, kind: &str, body: String) -> Said {
    let request = Request::post(format!("/thingspeak{path}")).header(header::CONTENT_TYPE, kind);
    say(server, request.body(Body::from(body)).expect("a request")).await
}

async fn say(server: &Server, request: Request<Body>) -> Said {
    let response = server.send(request).await;
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("a whole body").to_bytes();
    Said {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}
