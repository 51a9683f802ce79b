//! What tokens are exchanged for, then renewed.

use gangway_protocol::time::UnixMillis;
use http::StatusCode;
use serde_json::{Value, json};

use super::*;

#[test]
fn an_identity_pool_gives_credentials_that_end() {
    let mut wallet = Wallet::default();
    let (mut sign_in, step) = redeemed(&by_cognito(), &mut wallet);
    let asked = sent(step);
    assert_eq!(
        asked.request.uri(),
        "https://cognito-identity.eu-central-1.amazonaws.com/"
    );
    assert_eq!(
        asked.request.headers()["x-amz-target"],
        "AWSCognitoIdentityService.GetId"
    );
    let body: Value = serde_json::from_slice(asked.request.body()).expect("JSON");
    assert_eq!(
        body["IdentityPoolId"],
        "eu-central-1:0a1b2c3d-0000-1111-2222-333344445555"
    );
    let login = "cognito-idp.eu-central-1.amazonaws.com/eu-central-1_a1B2c3D4e";
    assert_eq!(body["Logins"][login], tokens()["id_token"]);
    let asked = sent(sign_in.answer(
        Ok(response(200, &json!({"IdentityId": "eu-central-1:me"}))),
        &mut wallet,
        NOW,
    ));
    assert_eq!(
        asked.request.headers()["x-amz-target"],
        "AWSCognitoIdentityService.GetCredentialsForIdentity"
    );
    let end = 1_795_784_400.25;
    let given = json!({"IdentityId": "eu-central-1:me", "Credentials":
        {"AccessKeyId": "ASIAX", "SecretKey": "s3cret", "SessionToken": "t0ken", "Expiration": end}});
    assert!(matches!(
        sign_in.answer(Ok(response(200, &given)), &mut wallet, NOW),
        Ok(SignInStep::Done)
    ));
    let held = wallet.aws(&by_cognito().id, NOW).expect("credentials");
    assert_eq!(held.access_key_id, "ASIAX");
    assert_eq!(held.expires_at, Some(NOW.plus(UnixMillis::HOUR + 250)));
    assert!(wallet.aws(&by_cognito().id, NOW.plus(UnixMillis::HOUR)).is_none());
}

#[test]
fn what_the_identity_pool_refuses_is_told_in_its_words() {
    let mut wallet = Wallet::default();
    let (mut sign_in, step) = redeemed(&by_cognito(), &mut wallet);
    sent(step);
    let told = json!({"__type": "com.amazonaws#NotAuthorizedException", "message": "Token is not from a supported provider of this identity pool."});
    assert_eq!(
        sign_in
            .answer(Ok(response(400, &told)), &mut wallet, NOW)
            .expect_err("refused")
            .to_string(),
        "Amazon Cognito refused: Token is not from a supported provider of this identity pool. (NotAuthorizedException)"
    );
}

#[test]
fn sts_gives_credentials_of_a_role() {
    let mut wallet = Wallet::default();
    let (mut sign_in, step) = redeemed(&by_web_identity(), &mut wallet);
    let asked = sent(step);
    assert_eq!(asked.request.uri(), "https://sts.eu-central-1.amazonaws.com/");
    let token = tokens()["id_token"].as_str().expect("text").to_owned();
    assert_eq!(
        form(&asked),
        [
            pair("Action", "AssumeRoleWithWebIdentity"),
            pair("Version", "2011-06-15"),
            pair("RoleArn", "arn:aws:iam::123456789012:role/enrol"),
            pair("RoleSessionName", "adalovelace@example"),
            pair("WebIdentityToken", &token),
        ]
    );
    let xml = "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult>\
        <Credentials><AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey><SessionToken>t0ken</SessionToken>\
        <Expiration>2026-11-27T13:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
    let step = sign_in.answer(Ok(Response::new(xml.as_bytes().to_vec())), &mut wallet, NOW);
    assert!(matches!(step, Ok(SignInStep::Done)));
    let held = wallet.aws(&by_web_identity().id, NOW).expect("credentials");
    assert_eq!(held.secret_access_key.expose(), "s3cret");
    assert_eq!(held.expires_at, Some(NOW.plus(UnixMillis::HOUR)));
}

#[test]
fn what_sts_refuses_is_told_in_its_words() {
    let mut wallet = Wallet::default();
    let (mut sign_in, step) = redeemed(&by_web_identity(), &mut wallet);
    sent(step);
    let xml = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized to perform it</Message></Error></ErrorResponse>";
    let mut refusal = Response::new(xml.as_bytes().to_vec());
    *refusal.status_mut() = StatusCode::FORBIDDEN;
    assert_eq!(
        sign_in
            .answer(Ok(refusal), &mut wallet, NOW)
            .expect_err("refused")
            .to_string(),
        "AWS STS refused: Not authorized to perform it (AccessDenied)"
    );
}

#[test]
fn what_has_ended_is_renewed_without_the_person() {
    let mut wallet = Wallet::default();
    let (_, step) = redeemed(&hub(), &mut wallet);
    assert!(matches!(step, Ok(SignInStep::Done)));
    let later = NOW.plus(UnixMillis::HOUR);
    let (mut renewal, asked) = SignIn::renewal(&hub(), &wallet, later).expect("a refresh token");
    assert_eq!(asked.request.uri(), "https://auth.example/token");
    assert_eq!(
        form(&asked),
        [
            pair("grant_type", "refresh_token"),
            pair("client_id", "web"),
            pair("refresh_token", "refr3sh")
        ]
    );
    let renewed = json!({"access_token": "n3w", "expires_in": 300});
    assert!(matches!(
        renewal.answer(Ok(response(200, &renewed)), &mut wallet, later),
        Ok(SignInStep::Done)
    ));
    let held = wallet.tokens(&hub().id, later).expect("tokens");
    assert_eq!(held.access_token.expose(), "n3w");
    assert_eq!(
        held.refresh_token.as_ref().expect("the former one").expose(),
        "refr3sh"
    );
}

#[test]
fn credentials_that_have_ended_are_asked_for_again_with_tokens_that_have_not() {
    let mut wallet = Wallet::default();
    let mut without_refresh = tokens();
    without_refresh
        .as_object_mut()
        .expect("an object")
        .remove("refresh_token");
    let (mut sign_in, step) = begin(&by_web_identity());
    drop(step);
    let url = visited(sign_in.answer(Ok(response(200, &discovery())), &mut wallet, NOW));
    sent(sign_in.returned(&came(&format!("?code=c&state={}", field(&url, "state")))));
    sent(sign_in.answer(Ok(response(200, &without_refresh)), &mut wallet, NOW));
    let (_, asked) = SignIn::renewal(&by_web_identity(), &wallet, NOW).expect("a token that is good");
    assert_eq!(asked.request.uri(), "https://sts.eu-central-1.amazonaws.com/");
    assert!(SignIn::renewal(&by_web_identity(), &wallet, NOW.plus(UnixMillis::HOUR)).is_none());
    assert!(SignIn::renewal(&by_web_identity(), &Wallet::default(), NOW).is_none());
}
