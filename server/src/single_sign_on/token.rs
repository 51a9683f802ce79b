//! From the code that a browser brought back to what the provider vouches for: the exchange at its token endpoint, and the
//! verification of its tokens.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use http::{Method, Request, StatusCode, header};
use openidconnect::core::{
    CoreGenderClaim, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm as Alg,
};
use openidconnect::{
    ClaimsVerificationError, ClientId, EmptyAdditionalClaims, IdToken, IdTokenVerifier, IssuerUrl,
    JsonWebKey as _, Nonce, SignatureVerificationError,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::directory::{Described, Directory};
use super::refused;
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::identity_providers::ProviderRecord;

/// How far the clocks of a provider and of this server may be apart.
pub(super) const LEEWAY: i64 = UnixMillis::MINUTE;
/// How old a token may be that a provider has just made.
pub(super) const FRESH: i64 = 10 * UnixMillis::MINUTE;
/// OpenID Connect Core 1.0 §2: a subject has at most 255 ASCII characters.
pub(super) const MAX_SUBJECT_LEN: usize = 255;
/// How it is signed: by a key that only the provider has. By none, or by the client's secret, does not count.
pub(super) const ALGORITHMS: [Alg; 9] = [
    Alg::RsaSsaPkcs1V15Sha256,
    Alg::RsaSsaPkcs1V15Sha384,
    Alg::RsaSsaPkcs1V15Sha512,
    Alg::RsaSsaPssSha256,
    Alg::RsaSsaPssSha384,
    Alg::RsaSsaPssSha512,
    Alg::EcdsaP256Sha256,
    Alg::EcdsaP384Sha384,
    Alg::EdDsa,
];

type OurIdToken = IdToken<EmptyAdditionalClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, Alg>;

/// What a provider vouches for.
#[derive(Clone, Debug)]
pub(super) struct Vouching {
    /// Who it is there, for ever.
    pub(super) subject: String,
    /// What they are called.
    pub(super) name: Option<String>,
    /// When they proved who they are there.
    pub(super) verified_at: Option<UnixMillis>,
    /// The provider's name for the session.
    pub(super) session: Option<String>,
    /// Everything it says of them.
    pub(super) claims: Map<String, Value>,
}

/// What the browser's secret stands for at the provider: worth nothing to whoever sees it without that secret.
pub(super) struct Bound {
    /// PKCE's verifier (RFC 7636 §4.1).
    pub(super) verifier: String,
    /// The nonce of the ID token.
    pub(super) nonce: String,
}

impl Bound {
    /// Nothing of it is kept: the browser brings the secret again.
    pub(super) fn of(secret: &SecretString) -> Self {
        let derive = |label: &str| {
            let digest = Sha256::new()
                .chain_update(label)
                .chain_update(secret.expose())
                .finalize();
            URL_SAFE_NO_PAD.encode(digest)
        };
        Self {
            verifier: derive("gangway single sign-on verifier "),
            nonce: derive("gangway single sign-on nonce "),
        }
    }

    /// PKCE's challenge, S256.
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(&self.verifier))
    }
}

/// Exchanges a code and verifies what comes back.
///
/// # Errors
/// [`Error::ProviderRefused`] saying why; [`Error::Unavailable`].
pub(super) async fn vouching(
    context: &Context,
    directory: &Directory,
    provider: &ProviderRecord,
    code: &SecretString,
    bound: &Bound,
) -> Result<Vouching> {
    let described = directory.of(context, provider).await?;
    let token = exchange(context, directory, provider, &described, code, bound).await?;
    let now = context.clock.now();
    match verify(provider, &described.keys, token.expose(), &bound.nonce, now) {
        Err(Unverified::UnknownKey) => {
            let renewed = directory.with_new_keys(context, provider).await?;
            verify(provider, &renewed.keys, token.expose(), &bound.nonce, now)
        }
        other => other,
    }
    .map_err(|error| match error {
        Unverified::UnknownKey => {
            refused("the identity provider signed with a key that it does not publish: try again in a minute")
        }
        Unverified::Refused(why) => refused(why),
    })
}

async fn exchange(
    context: &Context,
    directory: &Directory,
    provider: &ProviderRecord,
    described: &Described,
    code: &SecretString,
    bound: &Bound,
) -> Result<SecretString> {
    #[derive(Deserialize)]
    struct Tokens {
        id_token: Option<SecretString>,
    }
    let request = exchange_request(context, provider, described, code, bound)?;
    let answer = directory.ask(&provider.id, request).await?;
    if answer.status() != StatusCode::OK {
        return Err(refused(why_not(answer.body())));
    }
    let tokens: Tokens = serde_json::from_slice(answer.body())
        .map_err(|_| refused("the identity provider's answer was not understood"))?;
    tokens.id_token.ok_or_else(|| {
        refused("the identity provider gave no ID token: an admin has to allow the scope openid there")
    })
}

fn exchange_request(
    context: &Context,
    provider: &ProviderRecord,
    described: &Described,
    code: &SecretString,
    bound: &Bound,
) -> Result<Request<Vec<u8>>> {
    let secret = super::providers::open_secret(context.ca.key_store(), provider)?;
    let redirect_uri = super::providers::redirect_uri(&context.config, &provider.id);
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code.expose())
        .append_pair("redirect_uri", &redirect_uri)
        .append_pair("code_verifier", &bound.verifier);
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(&described.token_endpoint)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json");
    match &secret {
        Some(secret) if !described.secret_in_body => {
            // RFC 6749 §2.3.1: both are encoded as in a form before they are joined.
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encoded(&provider.client_id), encoded(secret.expose()));
            request = request.header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair)));
        }
        Some(secret) => {
            form.append_pair("client_id", &provider.client_id)
                .append_pair("client_secret", secret.expose());
        }
        None => {
            form.append_pair("client_id", &provider.client_id);
        }
    }
    request.body(form.finish().into_bytes()).map_err(Error::internal)
}

/// What an error of RFC 6749 §5.2 means. Nothing else of such an answer is told.
fn why_not(body: &[u8]) -> &'static str {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let refusal = serde_json::from_slice::<Refusal>(body).ok();
    match refusal.as_ref().map(|refusal| refusal.error.as_str()) {
        Some("invalid_client" | "unauthorized_client") => {
            "the identity provider does not know this server by its client id and secret: an admin has to put that right"
        }
        Some("invalid_grant") => {
            "the identity provider does not accept this answer any more: it was used, or it has expired. Try again"
        }
        _ => "the identity provider did not accept this: try again, or ask your organisation's admin",
    }
}

/// Why a token does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unverified {
    /// It is signed with a key that is not known (yet).
    UnknownKey,
    /// Says why.
    Refused(&'static str),
}

const UNREADABLE: Unverified = Unverified::Refused("the identity provider's token was not understood");

fn verify(
    provider: &ProviderRecord,
    keys: &CoreJsonWebKeySet,
    token: &str,
    nonce: &str,
    now: UnixMillis,
) -> Result<Vouching, Unverified> {
    let id_token: OurIdToken = token.parse().map_err(|_| UNREADABLE)?;
    let issuer = IssuerUrl::new(provider.issuer.clone()).map_err(|_| UNREADABLE)?;
    let at = |millis: i64| DateTime::<Utc>::from_timestamp_millis(millis).unwrap_or_default();
    let (oldest, newest) = (now.plus(-FRESH), now.plus(LEEWAY));
    let verifier =
        IdTokenVerifier::new_public_client(ClientId::new(provider.client_id.clone()), issuer, keys.clone())
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || at(now.plus(-LEEWAY).0))
            .set_issue_time_verifier_fn(move |issued| {
                let issued = UnixMillis(issued.timestamp_millis());
                if issued < oldest || issued > newest {
                    return Err("it was not issued just now".to_owned());
                }
                Ok(())
            });
    let claims = id_token
        .claims(&verifier, &Nonce::new(nonce.to_owned()))
        .map_err(|error| {
            tracing::debug!(provider = %provider.id, %error, "an ID token was refused");
            unverified(&error)
        })?;
    let subject = claims.subject().as_str().to_owned();
    if subject.is_empty() || subject.len() > MAX_SUBJECT_LEN || !subject.is_ascii() || subject.contains('\0')
    {
        return Err(Unverified::Refused(
            "the identity provider's token names nobody that could be kept",
        ));
    }
    // The same bytes that were verified.
    let said = payload(token).ok_or(UNREADABLE)?;
    // OpenID Connect Core 1.0 §3.1.3.7 step 5.
    if said.get("azp").is_some_and(|azp| *azp != provider.client_id) {
        return Err(Unverified::Refused(
            "the identity provider's token is for another application",
        ));
    }
    let verified_at = said
        .get("auth_time")
        .and_then(Value::as_i64)
        .and_then(|secs| secs.checked_mul(UnixMillis::SECOND))
        .filter(|millis| *millis <= newest.0)
        .map(|millis| UnixMillis(millis.min(now.0)));
    let text = |name: &str| said.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Vouching {
        subject,
        name: text("name")
            .or_else(|| text("preferred_username"))
            .or_else(|| text("email")),
        verified_at,
        session: text("sid").filter(|sid| sid.len() <= MAX_SUBJECT_LEN && !sid.contains('\0')),
        claims: said,
    })
}

fn unverified(error: &ClaimsVerificationError) -> Unverified {
    use ClaimsVerificationError as Error;
    Unverified::Refused(match error {
        Error::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
            return Unverified::UnknownKey;
        }
        Error::SignatureVerification(
            SignatureVerificationError::DisallowedAlg(_)
            | SignatureVerificationError::UnsupportedAlg(_)
            | SignatureVerificationError::NoSignature,
        ) => {
            "the identity provider's token is not signed so that it counts: it takes RS256, ES256, EdDSA or one of their kin"
        }
        Error::SignatureVerification(_) => "the signature of the identity provider's token is wrong",
        Error::InvalidIssuer(_) => "the token is of another identity provider",
        Error::InvalidAudience(_) => "the identity provider's token is for another application",
        Error::InvalidNonce(_) => "the identity provider's token belongs to another attempt: try again",
        Error::Expired(_) => {
            "the identity provider's token has expired, or its clock and this server's differ: try again"
        }
        _ => "the identity provider's token does not hold together",
    })
}

/// Verifies a token that is no ID token: the signature alone. Gives its type and what it says.
pub(super) fn signed(
    keys: &CoreJsonWebKeySet,
    token: &str,
) -> Result<(Option<String>, Map<String, Value>), Unverified> {
    #[derive(Deserialize)]
    struct Header {
        alg: Alg,
        kid: Option<String>,
        typ: Option<String>,
        crit: Option<Value>,
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(UNREADABLE)?;
    let (header, _) = signed.split_once('.').ok_or(UNREADABLE)?;
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| UNREADABLE)?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| UNREADABLE)?;
    // RFC 7515 §4.1.11: what is critical and not understood makes it invalid.
    if header.crit.is_some() || !ALGORITHMS.contains(&header.alg) {
        return Err(UNREADABLE);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| UNREADABLE)?;
    let key = keys
        .keys()
        .iter()
        .filter(|key| match &header.kid {
            Some(kid) => key.key_id().is_some_and(|id| id.as_str() == kid),
            None => true,
        })
        .filter(|key| {
            key.key_use()
                .is_none_or(|usage| *usage == openidconnect::core::CoreJsonWebKeyUse::Signature)
        })
        .collect::<Vec<_>>();
    // OpenID Connect Core 1.0 §10.1: with several keys it says which.
    let [key] = key.as_slice() else {
        return Err(Unverified::UnknownKey);
    };
    key.verify_signature(&header.alg, signed.as_bytes(), &signature)
        .map_err(|_| Unverified::Refused("the signature of the identity provider's token is wrong"))?;
    Ok((header.typ, payload(token).ok_or(UNREADABLE)?))
}

fn payload(token: &str) -> Option<Map<String, Value>> {
    let body = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&body).ok()
}
