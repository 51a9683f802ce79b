//! A receiver of webhooks: a real HTTP server on loopback that keeps what comes, and answers as it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use gangway_protocol::webhook::WebhookBody;
use http::{HeaderMap, StatusCode, header};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().expect("a text")
    }

    pub(crate) fn event(&self) -> WebhookBody {
        serde_json::from_str(&self.body).expect("an event")
    }
}

/// What it answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mood {
    Says(StatusCode),
    Busy {
        retry_after_secs: u32,
    },
    Redirects,
    /// Nothing, until it is let go.
    Holds,
}

struct Shared {
    mood: Mutex<Mood>,
    received: Mutex<Vec<Received>>,
    held: Semaphore,
}

/// See the module's description.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            mood: Mutex::new(Mood::Says(StatusCode::NO_CONTENT)),
            received: Mutex::default(),
            held: Semaphore::new(0),
        });
        let router = Router::new().fallback(receive).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub(crate) fn becomes(&self, mood: Mood) {
        *self.shared.mood.lock().expect("nobody panics with it") = mood;
    }

    /// Lets those go that are held.
    pub(crate) fn let_go(&self) {
        self.becomes(Mood::Says(StatusCode::NO_CONTENT));
        self.shared.held.add_permits(1_000);
    }

    /// What has come so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared
            .received
            .lock()
            .expect("nobody panics with it")
            .clone()
    }

    /// The types of what has come so far.
    pub(crate) fn types(&self) -> Vec<&'static str> {
        self.received()
            .iter()
            .map(|received| received.event().kind.as_str())
            .collect()
    }
}

async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8(body.to_vec()).expect("UTF-8");
    let received = Received { headers, body };
    shared
        .received
        .lock()
        .expect("nobody panics with it")
        .push(received);
    let mood = *shared.mood.lock().expect("nobody panics with it");
    match mood {
        Mood::Says(status) => (status, "as you say").into_response(),
        Mood::Busy { retry_after_secs } => (
            StatusCode::SERVICE_UNAVAILABLE,
            [(header::RETRY_AFTER, retry_after_secs.to_string())],
        )
            .into_response(),
        Mood::Redirects => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
        Mood::Holds => {
            let held = shared.held.acquire().await.expect("it is not closed");
            held.forget();
            StatusCode::NO_CONTENT.into_response()
        }
    }
}
