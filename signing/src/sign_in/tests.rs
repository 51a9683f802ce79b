//! Sign-ins, with literals for what authorities and AWS say.

mod credentials;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gangway_protocol::encoding::Sha256Hex;
use http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: UnixMillis = UnixMillis(1_795_780_800_000);
const SIGNER: &str = "sgn_0000000001zzzzzzzzzzzzzzzz";
const PATH: &str = "/link/signed-in/sgn_0000000001zzzzzzzzzzzzzzzz";
const BACK: &str = "https://panel.example/link/signed-in/sgn_0000000001zzzzzzzzzzzzzzzz";

fn signer(kind: &Value) -> Signer {
    let mut signer = json!({"id": SIGNER, "name": "x"});
    signer
        .as_object_mut()
        .expect("an object")
        .extend(kind.as_object().expect("an object").clone());
    serde_json::from_value(signer).expect("a signer")
}

fn hub() -> Signer {
    signer(
        &json!({"kind": "plgd_hub", "certificate_authority": "https://api.hub.example", "sign_in": client()}),
    )
}

fn client() -> Value {
    json!({"issuer": "https://auth.example/realms/plant", "client_id": "web", "scopes": ["offline_access"], "audience": "hub"})
}

fn by_cognito() -> Signer {
    signer(
        &json!({"kind": "aws_iot", "region": "eu-central-1", "sign_in": {"by": "cognito",
        "domain": "https://plant.auth.eu-central-1.amazoncognito.com", "user_pool": "eu-central-1_a1B2c3D4e", "client_id": "web",
        "identity_pool": "eu-central-1:0a1b2c3d-0000-1111-2222-333344445555"}}),
    )
}

fn by_web_identity() -> Signer {
    signer(
        &json!({"kind": "aws_iot", "region": "eu-central-1", "sign_in": {"by": "web_identity", "client": client(),
        "role": "arn:aws:iam::123456789012:role/enrol"}}),
    )
}

fn discovery() -> Value {
    json!({"issuer": "https://auth.example/realms/plant", "authorization_endpoint": "https://auth.example/authorize?realm=plant",
        "token_endpoint": "https://auth.example/token", "response_modes_supported": ["query", "fragment"],
        "code_challenge_methods_supported": ["plain", "S256"]})
}

/// Bytes that differ from one drawing to the next.
fn random() -> impl FnMut(&mut [u8]) {
    let mut drawn = 0;
    move |bytes| {
        drawn += 1;
        bytes.fill(drawn);
    }
}

/// Somebody comes back with this behind the address of this signer.
fn came(behind: &str) -> Returned {
    Returned::read(&format!("{PATH}{behind}"))
}

fn back(reads_fragment: bool) -> Redirect {
    Redirect {
        uri: BACK.to_owned(),
        reads_fragment,
    }
}

fn begin(signer: &Signer) -> (SignIn, SignInStep) {
    SignIn::begin(signer, back(true), random()).expect("a sign-in")
}

fn response(status: u16, body: &Value) -> Response {
    let mut response = Response::new(body.to_string().into_bytes());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response
}

fn sent(step: Result<SignInStep, SignInError>) -> Sending {
    match step {
        Ok(SignInStep::Send(sending)) => *sending,
        other => panic!("a request, not {other:?}"),
    }
}

fn visited(step: Result<SignInStep, SignInError>) -> url::Url {
    match step {
        Ok(SignInStep::Visit { url }) => url.parse().expect("an address"),
        other => panic!("somewhere to go, not {other:?}"),
    }
}

fn field(url: &url::Url, name: &str) -> String {
    let mut found = url
        .query_pairs()
        .filter(|(other, _)| other == name)
        .map(|(_, value)| value.into_owned());
    let value = found.next().unwrap_or_else(|| panic!("{name} in {url}"));
    assert_eq!(found.next(), None, "{name} stands once");
    value
}

fn form(sending: &Sending) -> Vec<(String, String)> {
    form_urlencoded::parse(sending.request.body())
        .into_owned()
        .collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn id_token(claims: &Value) -> String {
    format!("e30.{}.x", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// The nonce of the first sign-in of [`random`].
fn nonce() -> String {
    BASE64_URL_SAFE_NO_PAD.encode([3; 32])
}

fn tokens() -> Value {
    let id = id_token(&json!({"nonce": nonce(), "email": "ada lovelace@example", "sub": "1"}));
    json!({"access_token": "acc3ss", "id_token": id, "refresh_token": "refr3sh", "expires_in": 300, "token_type": "Bearer"})
}

/// Up to the tokens.
fn redeemed(signer: &Signer, wallet: &mut Wallet) -> (SignIn, Result<SignInStep, SignInError>) {
    let (mut sign_in, step) = begin(signer);
    let url = match step {
        SignInStep::Send(_) => visited(sign_in.answer(Ok(response(200, &discovery())), wallet, NOW)),
        step => visited(Ok(step)),
    };
    let back = format!("?code=c0de&state={}", field(&url, "state"));
    sent(sign_in.returned(&came(&back)));
    let step = sign_in.answer(Ok(response(200, &tokens())), wallet, NOW);
    (sign_in, step)
}

/// Threat model: ENR-28.
#[test]
fn a_code_is_bound_to_this_sign_in_and_to_this_page() {
    let mut wallet = Wallet::default();
    let (mut sign_in, step) = begin(&hub());
    let asked = sent(Ok(step));
    assert_eq!(
        asked.request.uri(),
        "https://auth.example/realms/plant/.well-known/openid-configuration"
    );
    let url = visited(sign_in.answer(Ok(response(200, &discovery())), &mut wallet, NOW));
    assert!(
        url.as_str()
            .starts_with("https://auth.example/authorize?realm=plant&response_type=code&"),
        "{url}"
    );
    assert_eq!(field(&url, "redirect_uri"), BACK);
    assert_eq!(field(&url, "scope"), "openid offline_access");
    assert_eq!(field(&url, "audience"), "hub");
    assert_eq!(
        field(&url, "response_mode"),
        "fragment",
        "where the authority can, the code stays out of queries"
    );
    assert_eq!(field(&url, "code_challenge_method"), "S256");
    let verifier = BASE64_URL_SAFE_NO_PAD.encode([1; 32]);
    assert!(!url.as_str().contains(&verifier));
    assert_eq!(
        field(&url, "code_challenge"),
        BASE64_URL_SAFE_NO_PAD.encode(Sha256Hex::of(verifier.as_bytes()).0)
    );
    for foreign in [
        "",
        "?code=c0de",
        "?code=c0de&state=other",
        "#state=other&error=access_denied",
    ] {
        assert_eq!(
            sign_in.returned(&came(foreign)).expect_err(foreign),
            SignInError::OtherSignIn
        );
    }
    let state = field(&url, "state");
    let mixed_up = format!("#code=c0de&state={state}&iss=https%3A%2F%2Fother.example");
    assert_eq!(
        sign_in.returned(&came(&mixed_up)).expect_err("another issuer"),
        SignInError::OtherSignIn
    );
    // It goes on all the same.
    let asked = sent(sign_in.returned(&came(&format!("#code=c0de&state={state}"))));
    assert_eq!(asked.request.uri(), "https://auth.example/token");
    assert!(!asked.is_idempotent);
    assert_eq!(
        form(&asked),
        [
            pair("grant_type", "authorization_code"),
            pair("client_id", "web"),
            pair("code", "c0de"),
            pair("redirect_uri", BACK),
            pair("code_verifier", &verifier),
        ]
    );
    assert!(matches!(
        sign_in.answer(Ok(response(200, &tokens())), &mut wallet, NOW),
        Ok(SignInStep::Done)
    ));
    let held = wallet.tokens(&hub().id, NOW).expect("tokens");
    assert_eq!(held.access_token.expose(), "acc3ss");
    assert!(wallet.tokens(&hub().id, NOW.plus(280_000)).is_none(), "they end");
    let printed = format!("{sign_in:?} {wallet:?} {asked:?}");
    for secret in ["acc3ss", "refr3sh", &verifier] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}

/// Threat model: ENR-28.
#[test]
fn tokens_of_another_sign_in_are_not_taken() {
    let mut wallet = Wallet::default();
    let (mut sign_in, step) = begin(&by_cognito());
    let url = visited(Ok(step));
    sent(sign_in.returned(&came(&format!("?code=c&state={}", field(&url, "state")))));
    for claims in [
        json!({"nonce": "another"}),
        json!({"nonce": "another", "email": 123}),
        json!({"sub": "1"}),
    ] {
        let mut redeeming = sign_in.clone();
        let mut other = tokens();
        other["id_token"] = id_token(&claims).into();
        assert_eq!(
            redeeming
                .answer(Ok(response(200, &other)), &mut wallet, NOW)
                .expect_err("not ours"),
            SignInError::OtherSignIn
        );
    }
    let mut odd = tokens();
    odd["access_token"] = "a\r\nx: y".into();
    assert!(matches!(
        sign_in.answer(Ok(response(200, &odd)), &mut wallet, NOW),
        Err(SignInError::Malformed { .. })
    ));
    assert!(wallet.session(&by_cognito().id).is_none());
}

/// Threat model: ENR-28. A lying authority sends people on to another one, whose code it would get with our verifier.
#[test]
fn a_code_of_another_authority_is_not_brought_to_this_one() {
    let (mut sign_in, step) = begin(&by_cognito());
    let state = field(&visited(Ok(step)), "state");
    for elsewhere in [
        format!("/link/signed-in/sgn_0000000002zzzzzzzzzzzzzzzz?code=c&state={state}"),
        format!("/link/signed-in?code=c&state={state}"),
        format!("?code=c&state={state}"),
    ] {
        assert_eq!(
            sign_in
                .returned(&Returned::read(&elsewhere))
                .expect_err(&elsewhere),
            SignInError::OtherSignIn
        );
    }
    let (mut sign_in, _) = begin(&hub());
    let mut announcing = discovery();
    announcing["authorization_response_iss_parameter_supported"] = true.into();
    let url = visited(sign_in.answer(Ok(response(200, &announcing)), &mut Wallet::default(), NOW));
    let state = field(&url, "state");
    assert_eq!(
        sign_in
            .returned(&came(&format!("#code=c&state={state}")))
            .expect_err("it says its name, and did not"),
        SignInError::OtherSignIn
    );
    let ours = format!("#code=c&state={state}&iss=https%3A%2F%2Fauth.example%2Frealms%2Fplant");
    sent(sign_in.returned(&came(&ours)));
}

#[test]
fn a_program_that_listens_gets_the_code_where_it_sees_it() {
    let (mut sign_in, _) = SignIn::begin(&hub(), back(false), random()).expect("a sign-in");
    let url = visited(sign_in.answer(Ok(response(200, &discovery())), &mut Wallet::default(), NOW));
    assert!(!url.as_str().contains("response_mode"), "{url}");
}

#[test]
fn an_authority_that_does_not_fit_is_told_to_the_admin() {
    for (changed, value, told) in [
        ("issuer", json!("https://other.example"), "calls itself"),
        (
            "token_endpoint",
            json!("https://tokens.example/token"),
            "https://tokens.example",
        ),
        (
            "authorization_endpoint",
            json!("http://auth.example/authorize"),
            "no https address",
        ),
        (
            "authorization_endpoint",
            json!("javascript:alert(1)"),
            "no https address",
        ),
        (
            "authorization_endpoint",
            json!("http://localhost:x@evil.example/authorize"),
            "no https address",
        ),
        (
            "authorization_endpoint",
            json!("https://login.example@evil.example/"),
            "no https address",
        ),
        (
            "authorization_endpoint",
            json!("https://auth.example/\u{1b}[2J"),
            "no https address",
        ),
        (
            "token_endpoint",
            json!("https://auth.example/\u{202e}"),
            "no https address",
        ),
        ("code_challenge_methods_supported", json!(["plain"]), "S256"),
    ] {
        let (mut sign_in, _) = begin(&hub());
        let mut document = discovery();
        document[changed] = value;
        match sign_in.answer(Ok(response(200, &document)), &mut Wallet::default(), NOW) {
            Err(SignInError::Misconfigured { detail }) => assert!(detail.contains(told), "{detail}"),
            other => panic!("{changed} does not fit, and is {other:?}"),
        }
    }
    let (mut sign_in, _) = begin(&hub());
    assert!(matches!(
        sign_in.answer(Ok(response(404, &json!({}))), &mut Wallet::default(), NOW),
        Err(SignInError::Misconfigured { .. })
    ));
}

#[test]
fn a_person_who_turns_back_and_a_code_that_is_refused_are_told() {
    let (mut sign_in, step) = begin(&by_cognito());
    let state = field(&visited(Ok(step)), "state");
    let declined = format!("?error=access_denied&error_description=User+said%0Ano&state={state}");
    assert_eq!(
        sign_in.returned(&came(&declined)).expect_err("declined"),
        SignInError::Declined {
            detail: "access_denied: User saidno".to_owned()
        }
    );
    sent(sign_in.returned(&came(&format!("?code=c&state={state}"))));
    let told = json!({"error": "invalid_grant", "error_description": "Code not valid"});
    let refused = sign_in
        .answer(Ok(response(400, &told)), &mut Wallet::default(), NOW)
        .expect_err("refused");
    assert_eq!(
        refused.to_string(),
        "plant.auth.eu-central-1.amazoncognito.com refused: Code not valid (invalid_grant)"
    );
}

#[test]
fn a_signer_without_a_sign_in_has_none() {
    for kind in [
        json!({"kind": "builtin"}),
        json!({"kind": "of_tomorrow"}),
        json!({"kind": "aws_iot", "region": "eu-central-1"}),
        json!({"kind": "aws_iot", "region": "eu-central-1", "sign_in": {"by": "of_tomorrow"}}),
    ] {
        assert!(SignIn::begin(&signer(&kind), back(true), random()).is_none());
    }
}

proptest! {
    #[test]
    fn nothing_that_comes_back_makes_the_reader_fail(text in "(?s).{0,300}") {
        let (mut sign_in, _) = begin(&by_cognito());
        prop_assert_eq!(sign_in.returned(&came(&text)).expect_err("not ours"), SignInError::OtherSignIn);
    }

    #[test]
    fn no_answer_makes_the_readers_fail(body in proptest::collection::vec(any::<u8>(), 0..300), status in 200_u16..599) {
        for signer in [hub(), by_cognito(), by_web_identity()] {
            let mut wallet = Wallet::default();
            let (mut sign_in, step) = redeemed(&signer, &mut wallet);
            if let Ok(SignInStep::Send(_)) = step {
                let mut answer = Response::new(body.clone());
                *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
                let _ = sign_in.answer(Ok(answer), &mut wallet, NOW);
            }
            let mut answer = Response::new(body.clone());
            *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
            let (mut sign_in, _) = begin(&signer);
            let _ = sign_in.answer(Ok(answer), &mut wallet, NOW);
        }
    }
}
