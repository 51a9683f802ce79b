//! Authorization code with PKCE at an authority (OpenID Connect Core 1.0 §3.1; RFC 6749, 7636, 9207).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use form_urlencoded::Serializer;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::json;
use gangway_protocol::secret::SecretString;
use gangway_protocol::signer::{self, OidcClient, host_of, is_address, origin_of};
use gangway_protocol::time::UnixMillis;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde::Deserialize;

use super::Redirect;
use super::error::{SignInError, malformed, shown};
use crate::wallet::nonce_of;
use crate::{Request, Response, Tokens};

/// Where people sign in.
#[derive(Clone, Debug)]
pub(super) enum Authority {
    /// An authority whose discovery document says the rest.
    Discovered(OidcClient),
    /// One whose addresses are known.
    Known {
        client: OidcClient,
        endpoints: Endpoints,
    },
}

/// The addresses of an authority.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints {
    issuer: Option<String>,
    authorization: String,
    token: String,
    /// The code may come back behind `#`, which no browser sends to a server.
    fragment: bool,
    /// Its name comes back with the code.
    tells_issuer: bool,
}

/// What binds a code to this sign-in.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    redirect: Redirect,
    verifier: SecretString,
    state: String,
    nonce: String,
}

/// What the authority sends back with the person, in a query or a fragment (RFC 6749 §4.1.2, RFC 9207).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Returned {
    /// The path to which it came.
    path: String,
    /// It came in a query, which our server has seen.
    in_query: bool,
    state: String,
    code: Option<SecretString>,
    issuer: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(default)]
    response_modes_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    code_challenge_methods_supported: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Redeemed {
    access_token: SecretString,
    id_token: Option<SecretString>,
    refresh_token: Option<SecretString>,
    expires_in: Option<i64>,
}

#[derive(Deserialize)]
struct TokenError {
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Authority {
    /// The managed login of a user pool (Amazon Cognito Developer Guide, “User pool endpoints and managed login reference”).
    pub(super) fn of_managed_login(cognito: &signer::Cognito) -> Self {
        Self::Known {
            client: OidcClient {
                issuer: cognito.domain.clone(),
                client_id: cognito.client_id.clone(),
                scopes: Vec::new(),
                audience: None,
                token_origin: None,
            },
            endpoints: Endpoints {
                issuer: None,
                authorization: format!("{}/oauth2/authorize", cognito.domain),
                token: format!("{}/oauth2/token", cognito.domain),
                fragment: false,
                tells_issuer: false,
            },
        }
    }

    pub(super) fn client(&self) -> &OidcClient {
        match self {
            Self::Discovered(client) | Self::Known { client, .. } => client,
        }
    }

    pub(super) fn address(&self) -> &str {
        &self.client().issuer
    }
}

impl Proof {
    pub(crate) fn new(redirect: Redirect, random: &mut impl FnMut(&mut [u8])) -> Self {
        let mut word = || {
            let mut bytes = [0; 32];
            random(&mut bytes);
            BASE64_URL_SAFE_NO_PAD.encode(bytes)
        };
        Self {
            redirect,
            verifier: SecretString::new(word()),
            state: word(),
            nonce: word(),
        }
    }

    /// RFC 7636 §4.2, S256.
    fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256Hex::of(self.verifier.expose().as_bytes()).0)
    }
}

impl Returned {
    /// Reads what came: a path, and behind `?` or `#` a query or a fragment.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let (path, rest) = text.split_once(['?', '#']).unwrap_or((text, ""));
        let mut returned = Self {
            path: path.to_owned(),
            in_query: text.strip_prefix(path).is_some_and(|rest| rest.starts_with('?')),
            ..Self::default()
        };
        for (name, value) in form_urlencoded::parse(rest.as_bytes()) {
            match &*name {
                "state" => returned.state = value.into_owned(),
                "code" => returned.code = Some(SecretString::new(value.into_owned())),
                "iss" => returned.issuer = Some(value.into_owned()),
                "error" => returned.error = Some(shown(&value)),
                "error_description" => {
                    let error = returned.error.take().unwrap_or_default();
                    returned.error = Some(shown(&format!("{error}: {value}")));
                }
                _ => {}
            }
        }
        returned
    }
}

impl Endpoints {
    /// To renew tokens at the place where they came from.
    pub(super) fn to_redeem_at(token: &str) -> Self {
        Self {
            issuer: None,
            authorization: String::new(),
            token: token.to_owned(),
            fragment: false,
            tells_issuer: false,
        }
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Where the person goes.
    pub(super) fn visit(&self, client: &OidcClient, proof: &Proof) -> String {
        let scopes: Vec<&str> = std::iter::once("openid")
            .chain(client.scopes.iter().map(String::as_str))
            .collect();
        let mut query = Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &client.client_id)
            .append_pair("redirect_uri", &proof.redirect.uri)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", &proof.state)
            .append_pair("nonce", &proof.nonce)
            .append_pair("code_challenge", &proof.challenge())
            .append_pair("code_challenge_method", "S256");
        if let Some(audience) = &client.audience {
            query.append_pair("audience", audience);
        }
        if self.fragment && proof.redirect.reads_fragment {
            query.append_pair("response_mode", "fragment");
        }
        self.with_query(&query.finish())
    }

    fn with_query(&self, query: &str) -> String {
        let separator = if self.authorization.contains('?') {
            '&'
        } else {
            '?'
        };
        format!("{}{separator}{query}", self.authorization)
    }

    /// Where the person goes for a code that another program redeems, which has no verifier of ours: it may come back behind `#`
    /// alone, or our server would see it. `None` where the authority cannot send it so.
    pub(crate) fn visit_for_another(&self, client: &OidcClient, proof: &Proof) -> Option<String> {
        if !(self.fragment && proof.redirect.reads_fragment) {
            return None;
        }
        let mut query = Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &client.client_id)
            .append_pair("redirect_uri", &proof.redirect.uri)
            .append_pair("scope", &client.scopes.join(" "))
            .append_pair("state", &proof.state)
            .append_pair("response_mode", "fragment");
        if let Some(audience) = &client.audience {
            query.append_pair("audience", audience);
        }
        Some(self.with_query(&query.finish()))
    }

    /// The code for another program.
    pub(crate) fn returned_for_another(
        &self,
        returned: &Returned,
        proof: &Proof,
    ) -> Result<SecretString, SignInError> {
        let code = self.returned(returned, proof)?;
        if returned.in_query {
            return Err(SignInError::Declined {
                detail: "the code came back in a query, which our server has seen: it is not used".to_owned(),
            });
        }
        Ok(code)
    }

    /// The code that the person came back with.
    pub(super) fn returned(&self, returned: &Returned, proof: &Proof) -> Result<SecretString, SignInError> {
        if returned.state != proof.state {
            return Err(SignInError::OtherSignIn);
        }
        if let Some(error) = &returned.error {
            return Err(SignInError::Declined {
                detail: error.clone(),
            });
        }
        // RFC 9207 §2.4: a code of another authority is not brought to this one. Where none tells its name, the address to which
        // it comes back is this signer's alone.
        let is_other = match (&returned.issuer, &self.issuer) {
            (Some(told), Some(ours)) => told != ours,
            (None, _) => self.tells_issuer,
            (Some(_), None) => false,
        };
        if is_other || returned.path != proof.redirect.path() {
            return Err(SignInError::OtherSignIn);
        }
        returned.code.clone().ok_or_else(|| SignInError::Declined {
            detail: "no code came back".to_owned(),
        })
    }

    pub(super) fn redeem(&self, client: &OidcClient, code: &SecretString, proof: &Proof) -> Option<Request> {
        self.ask(&[
            ("grant_type", "authorization_code"),
            ("client_id", &client.client_id),
            ("code", code.expose()),
            ("redirect_uri", &proof.redirect.uri),
            ("code_verifier", proof.verifier.expose()),
        ])
    }

    pub(super) fn refresh(&self, client: &OidcClient, token: &SecretString) -> Option<Request> {
        self.ask(&[
            ("grant_type", "refresh_token"),
            ("client_id", &client.client_id),
            ("refresh_token", token.expose()),
        ])
    }

    fn ask(&self, fields: &[(&str, &str)]) -> Option<Request> {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        http::Request::post(&self.token)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(body.into_bytes())
            .ok()
    }

    /// The tokens of an answer. A renewal keeps of the former ones what it does not replace.
    pub(super) fn redeemed(
        &self,
        response: &Response,
        proof: Option<&Proof>,
        former: Option<&Tokens>,
        now: UnixMillis,
    ) -> Result<Tokens, SignInError> {
        let who = host_of(&self.token);
        if !response.status().is_success() {
            return Err(refused(who, response));
        }
        let redeemed: Redeemed = json::read(response.body()).map_err(|error| malformed(who, error))?;
        // It goes into a header (RFC 6750 §2.1).
        if !redeemed
            .access_token
            .expose()
            .bytes()
            .all(|b| b.is_ascii_graphic())
        {
            return Err(malformed(who, "the access token holds what no token does"));
        }
        let former = former.filter(|_| proof.is_none());
        let tokens = Tokens {
            access_token: redeemed.access_token,
            id_token: redeemed
                .id_token
                .or_else(|| former.and_then(|former| former.id_token.clone())),
            refresh_token: redeemed
                .refresh_token
                .or_else(|| former.and_then(|former| former.refresh_token.clone())),
            expires_at: redeemed
                .expires_in
                .map(|secs| now.plus(secs.clamp(0, 366 * 86_400) * UnixMillis::SECOND)),
            token_endpoint: self.token.clone(),
        };
        // OpenID Connect Core 1.0 §3.1.3.7: the nonce comes back.
        if let (Some(proof), Some(token)) = (proof, &tokens.id_token)
            && nonce_of(token).as_deref() != Some(proof.nonce.as_str())
        {
            return Err(SignInError::OtherSignIn);
        }
        Ok(tokens)
    }
}

/// The address of the discovery document (OpenID Connect Discovery 1.0 §4).
pub(crate) fn discovery(client: &OidcClient) -> String {
    let issuer = client.issuer.trim_end_matches('/');
    format!("{issuer}/.well-known/openid-configuration")
}

/// What the discovery document says, as far as the signer's configuration allows it.
pub(crate) fn discovered(client: &OidcClient, response: &Response) -> Result<Endpoints, SignInError> {
    let who = host_of(&client.issuer);
    let misconfigured = |detail: String| Err(SignInError::Misconfigured { detail });
    if !response.status().is_success() {
        let status = response.status().as_u16();
        return misconfigured(format!(
            "{} has no sign-in (HTTP status {status}); check the issuer",
            discovery(client)
        ));
    }
    let found: Discovery = json::read(response.body()).map_err(|error| malformed(who, error))?;
    // §4.3: or another's document could stand here.
    if found.issuer.trim_end_matches('/') != client.issuer.trim_end_matches('/') {
        return misconfigured(format!("the issuer calls itself {}", shown(&found.issuer)));
    }
    if found
        .code_challenge_methods_supported
        .is_some_and(|methods| !methods.iter().any(|method| method == "S256"))
    {
        return misconfigured(format!("{who} does not take PKCE with S256"));
    }
    let origin = origin_of(&found.token_endpoint);
    if !client.origins().iter().any(|allowed| allowed == origin) {
        return misconfigured(format!(
            "tokens are given out at {}; enter that as the token endpoint’s origin",
            shown(origin)
        ));
    }
    if !is_address(&found.authorization_endpoint) || !is_address(&found.token_endpoint) {
        return misconfigured(format!(
            "{who} sends people to {}: that is no https address",
            shown(&found.authorization_endpoint)
        ));
    }
    Ok(Endpoints {
        issuer: Some(found.issuer),
        authorization: found.authorization_endpoint,
        token: found.token_endpoint,
        fragment: found
            .response_modes_supported
            .iter()
            .any(|mode| mode == "fragment"),
        tells_issuer: found.authorization_response_iss_parameter_supported,
    })
}

/// Why a token endpoint refused (RFC 6749 §5.2).
fn refused(who: &str, response: &Response) -> SignInError {
    let detail = match json::read::<TokenError>(response.body()) {
        Ok(told) if told.error_description.is_empty() => shown(&told.error),
        Ok(told) => shown(&format!("{} ({})", told.error_description, told.error)),
        Err(_) => format!("HTTP status {}", response.status().as_u16()),
    };
    SignInError::Refused {
        who: who.to_owned(),
        detail,
    }
}
