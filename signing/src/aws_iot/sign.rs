//! Requests to AWS IoT, signed with Signature Version 4 by `aws-sigv4`.
//!
//! Only headers that a browser may send across origins and that AWS's preflight allows: `authorization`, `content-type`,
//! `x-amz-date`, `x-amz-security-token`.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use gangway_protocol::time::UnixMillis;
use http::Method;
use http::header::CONTENT_TYPE;

use crate::{AwsCredentials, Request, SigningError, malformed};

/// The name of the service in a signature (botocore's service model of `iot`).
const SERVICE: &str = "iot";

/// A request to `origin` in `region`.
pub(super) struct Plain<'a> {
    pub(super) method: Method,
    pub(super) origin: &'a str,
    pub(super) region: &'a str,
    /// With its query, percent-encoded.
    pub(super) path: String,
    pub(super) body: Vec<u8>,
}

impl Plain<'_> {
    /// The request with its signature, dated `now`.
    pub(super) fn signed(
        self,
        credentials: &AwsCredentials,
        now: UnixMillis,
    ) -> Result<Request, SigningError> {
        let uri = format!("{}{}", self.origin, self.path);
        let millis = u64::try_from(now.0).map_err(malformed)?;
        let identity = Credentials::new(
            &credentials.access_key_id,
            credentials.secret_access_key.expose(),
            credentials
                .session_token
                .as_ref()
                .map(|token| token.expose().to_owned()),
            None,
            "wallet",
        )
        .into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(SERVICE)
            .time(UNIX_EPOCH + Duration::from_millis(millis))
            .settings(SigningSettings::default())
            .build()
            .map_err(malformed)?
            .into();
        let content_type = (!self.body.is_empty()).then_some(("content-type", "application/json"));
        let signable = SignableRequest::new(
            self.method.as_str(),
            uri.clone(),
            content_type.into_iter(),
            SignableBody::Bytes(&self.body),
        )
        .map_err(malformed)?;
        let (instructions, _) = sign(signable, &params).map_err(malformed)?.into_parts();
        let mut request = http::Request::builder()
            .method(self.method)
            .uri(uri)
            .body(self.body)
            .map_err(malformed)?;
        if let Some((_, value)) = content_type {
            request
                .headers_mut()
                .insert(CONTENT_TYPE, http::HeaderValue::from_static(value));
        }
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}
