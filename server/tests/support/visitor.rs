//! Who sends a request: nobody, a browser with its cookie, a program with its token; and what comes back.

use axum::body::{Body, to_bytes};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::secret::SecretString;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Server;

/// Somebody who sends requests.
pub(crate) trait Visitor {
    /// What identifies them.
    fn headers(&self) -> HeaderMap;
}

/// A browser or a program that is not signed in.
pub(crate) struct Nobody;

/// A program with a bearer token.
pub(crate) struct Program(pub(crate) SecretString);

impl Visitor for Nobody {
    fn headers(&self) -> HeaderMap {
        HeaderMap::new()
    }
}

impl Visitor for Program {
    fn headers(&self) -> HeaderMap {
        let value = format!("Bearer {}", self.0.expose());
        [(header::AUTHORIZATION, header_value(&value))]
            .into_iter()
            .collect()
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The body of a success.
    #[track_caller]
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "{self}");
        serde_json::from_slice(&self.body).expect("the body is what it should be")
    }

    /// The code of a problem.
    #[track_caller]
    pub(crate) fn problem(&self) -> ProblemCode {
        assert_eq!(
            self.headers[header::CONTENT_TYPE],
            "application/problem+json",
            "{self}"
        );
        let body: Value = serde_json::from_slice(&self.body).expect("a problem is JSON");
        assert_eq!(body["status"], self.status.as_u16());
        serde_json::from_value(body["code"].clone()).expect("a problem has a code")
    }

    /// The value of the cookie that it sets.
    pub(crate) fn cookie(&self) -> Option<String> {
        let line = self.headers.get(header::SET_COOKIE)?.to_str().ok()?;
        let value = line.strip_prefix("__Host-gangway=")?.split(';').next()?;
        Some(value.to_owned())
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

impl Server {
    /// `GET`.
    pub(crate) async fn get(&self, who: &impl Visitor, path: &str) -> Reply {
        self.call(who, Method::GET, path, None).await
    }

    /// `POST` with a body.
    pub(crate) async fn post(&self, who: &impl Visitor, path: &str, body: Value) -> Reply {
        self.call(who, Method::POST, path, Some(body)).await
    }

    /// `POST` without a body.
    pub(crate) async fn act(&self, who: &impl Visitor, path: &str) -> Reply {
        self.call(who, Method::POST, path, None).await
    }

    /// `PATCH`.
    pub(crate) async fn patch(&self, who: &impl Visitor, path: &str, body: Value) -> Reply {
        self.call(who, Method::PATCH, path, Some(body)).await
    }

    /// `DELETE`.
    pub(crate) async fn delete(&self, who: &impl Visitor, path: &str) -> Reply {
        self.call(who, Method::DELETE, path, None).await
    }

    /// Any request.
    pub(crate) async fn call(
        &self,
        who: &impl Visitor,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Reply {
        self.call_with(who, method, path, body, &[]).await
    }

    /// Any request with further headers; they replace the visitor's own.
    pub(crate) async fn call_with(
        &self,
        who: &impl Visitor,
        method: Method,
        path: &str,
        body: Option<Value>,
        further: &[(HeaderName, &str)],
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut request = request.body(body).expect("a request");
        request.headers_mut().extend(who.headers());
        for (name, value) in further {
            request.headers_mut().insert(name, header_value(value));
        }
        let response = self.send(request).await;
        let (parts, body) = response.into_parts();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body: to_bytes(body, 1 << 20).await.expect("a body").to_vec(),
        }
    }
}

pub(crate) fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("a header value")
}
