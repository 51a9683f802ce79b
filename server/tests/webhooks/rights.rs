//! Who may have a webhook, where it may lead, and what of its secret is seen.

use gangway_client::{ApiError, IdempotencyKey};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::page::PageQuery;
use gangway_protocol::time::UnixMillis;
use gangway_protocol::webhook::{
    DeliveryState, MAX_WEBHOOKS, Webhook, WebhookRequest, WebhookState, WebhookUpdate,
};
use serde_json::json;

use super::{Hook, add, deliver};
use crate::support::device::SoftDevice;
use crate::support::member::Member;
use crate::support::{Engine, Server, both_engines};

fn request(url: &str) -> WebhookRequest {
    WebhookRequest {
        name: "Maintenance".to_owned(),
        url: url.to_owned(),
        events: Vec::new(),
    }
}

async fn try_add(member: &Member, url: &str, key: u8) -> Result<Webhook, ApiError> {
    let key = IdempotencyKey::new([key; 16]);
    member
        .api
        .add_webhook(&member.organisation, &request(url), &key)
        .await
}

both_engines!(
    /// Threat model: WHK-4.
    async fn a_secret_is_shown_once_and_stands_nowhere(server: Server) {
        let hook = Hook::new(&server).await;
        let secret = hook.secret.expose();
        assert_eq!(hook.standing().await.secret, None);
        let renamed = WebhookUpdate {
            name: Some("Renamed".to_owned()),
            ..WebhookUpdate::default()
        };
        let changed = hook
            .ada
            .api
            .change_webhook(&hook.home, &hook.webhook.id, &renamed)
            .await;
        assert_eq!(changed.expect("it is renamed").secret, None);
        let rotated = hook
            .ada
            .api
            .rotate_webhook_secret(&hook.home, &hook.webhook.id)
            .await;
        let rotated = rotated.expect("another").secret.expect("it is shown once");
        let mut kept = Vec::new();
        for (first, second, third) in server
            .query::<(String, Option<String>, String)>("SELECT secret, former_secret, url FROM webhooks")
            .await
        {
            kept.extend([first, second.unwrap_or_default(), third]);
        }
        for (detail,) in server.query::<(String,)>("SELECT detail FROM audit").await {
            assert!(
                !detail.contains("/hook"),
                "of a URL the origin is recorded: {detail}"
            );
            kept.push(detail);
        }
        for (body,) in server
            .query::<(String,)>("SELECT sealed_body FROM idempotency_keys")
            .await
        {
            kept.push(body);
        }
        assert!(kept.len() > 5, "{kept:?}");
        for secret in [secret, rotated.expose()] {
            let key = secret.strip_prefix("whsec_").expect("it begins so");
            assert!(kept.iter().all(|text| !text.contains(key)));
        }
        assert!(!format!("{:?}", hook.webhook).contains("whsec_"));
        // A client that does not know whether its request arrived gets the same.
        let again = add(&hook.ada, &hook.home, &hook.receiver.url(), &[]).await;
        assert_eq!(again.secret.expect("the same").expose(), secret);
    }
);

both_engines!(
    /// Threat model: WHK-3.
    async fn a_secret_and_the_one_before_it_sign_for_a_day(server: Server) {
        let mut hook = Hook::new(&server).await;
        let signatures = async |hook: &Hook| {
            SoftDevice::in_fleet(&server, &hook.ada).await;
            deliver(&server).await;
            let received = hook.receiver.received();
            let last = received
                .last()
                .expect("an event")
                .header("webhook-signature")
                .to_owned();
            last.split(' ')
                .filter(|signature| signature.starts_with("v1,"))
                .count()
        };
        assert_eq!(signatures(&hook).await, 1);
        let rotated = hook
            .ada
            .api
            .rotate_webhook_secret(&hook.home, &hook.webhook.id)
            .await;
        let until = rotated.expect("another").former_secret_until.expect("it goes on");
        assert_eq!(signatures(&hook).await, 2);
        server.clock.advance(until.since(server.gangway.clock.now()));
        hook.refresh(&server).await;
        assert_eq!(signatures(&hook).await, 1);
        gangway_server::webhooks::sweep::run(&server.gangway).await;
        let former: Vec<(Option<String>,)> = server.query("SELECT former_secret FROM webhooks").await;
        assert_eq!(former, [(None,)], "it is forgotten");
    }
);

both_engines!(
    /// Threat model: WHK-6.
    async fn only_an_admin_who_is_there_changes_webhooks(server: Server) {
        let hook = Hook::new(&server).await;
        let operator = server.member(&hook.home, Role::Operator, "Ole").await;
        let url = hook.receiver.url();
        let code = |result: Result<Webhook, ApiError>| result.expect_err("a refusal").code();
        assert_eq!(
            code(try_add(&operator, &url, 1).await),
            Some(ProblemCode::Forbidden)
        );
        let seen = operator.api.webhooks(&hook.home, &PageQuery::default()).await;
        assert_eq!(seen.expect_err("not theirs").code(), Some(ProblemCode::Forbidden));
        server.clock.advance(6 * UnixMillis::MINUTE);
        let (api, home, id) = (&hook.ada.api, &hook.home, &hook.webhook.id);
        let stale = Some(ProblemCode::StepUpRequired);
        assert_eq!(code(try_add(&hook.ada, &url, 2).await), stale);
        assert_eq!(code(api.rotate_webhook_secret(home, id).await), stale);
        assert_eq!(
            code(api.change_webhook(home, id, &WebhookUpdate::default()).await),
            stale
        );
        assert_eq!(
            api.remove_webhook(home, id).await.expect_err("stale").code(),
            stale
        );
        assert_eq!(api.test_webhook(home, id).await.expect_err("stale").code(), stale);
        // Looking takes no passkey.
        assert_eq!(hook.log().await, []);
        assert_eq!(hook.standing().await.state, WebhookState::On);
    }
);

both_engines!(
    async fn a_webhook_is_changed_removed_and_one_of_a_bounded_number(server: Server) {
        let hook = Hook::new(&server).await;
        for number in 1..MAX_WEBHOOKS {
            let key = u8::try_from(number).expect("few");
            try_add(&hook.ada, &hook.receiver.url(), key)
                .await
                .expect("there is room");
        }
        let refused = try_add(&hook.ada, &hook.receiver.url(), 200).await;
        assert_eq!(refused.expect_err("too many").code(), Some(ProblemCode::Conflict));
        SoftDevice::in_fleet(&server, &hook.ada).await;
        let (api, home, id) = (&hook.ada.api, &hook.home, &hook.webhook.id);
        api.remove_webhook(home, id).await.expect("removed");
        deliver(&server).await;
        assert_eq!(
            hook.receiver.received().len(),
            MAX_WEBHOOKS - 1,
            "what is removed says nothing more"
        );
        let gone = api.webhook_deliveries(home, id, &PageQuery::default()).await;
        assert_eq!(gone.expect_err("it is gone").code(), Some(ProblemCode::NotFound));
        gangway_server::webhooks::sweep::run(&server.gangway).await;
        let left: Vec<(i64,)> = server
            .query("SELECT CAST(COUNT(DISTINCT webhook) AS BIGINT) FROM webhook_deliveries")
            .await;
        assert_eq!(left, [(19,)]);
        assert_eq!(
            (
                server.records("webhook.added").await,
                server.records("webhook.removed").await
            ),
            (20, 1)
        );
        let unknown = json!({"name": "x", "url": "https://hooks.example/", "events": ["device.painted"]});
        let reply = server
            .post(&hook.ada, &gangway_protocol::path::webhooks(home), unknown)
            .await;
        assert_eq!(reply.problem(), ProblemCode::Invalid);
    }
);

/// A server that people reach by its name, and so one that allows no loopback.
async fn public_server(engine: Engine) -> Server {
    Server::start_with(engine, |config| {
        config.public_url = "https://panel.example".parse().expect("a URL");
    })
    .await
}

/// Threat model: WHK-1.
#[tokio::test]
async fn a_url_that_leads_inside_is_not_taken() {
    let server = public_server(Engine::Sqlite).await;
    let home = server.organisation("Works").await;
    let ada = server.member(&home, Role::Admin, "Ada").await;
    for url in [
        "http://hooks.example/",
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::1]/",
        "https://[fd00:ec2::254]/",
        "https://[fe80::1]/",
        "https://user:password@hooks.example/",
        "https://hooks.example/#part",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "gopher://hooks.example/",
        "https://a{b.example/",
        "hooks.example",
        "",
    ] {
        let error = try_add(&ada, url, 1).await.expect_err(url);
        assert_eq!(
            (error.code(), error.field()),
            (Some(ProblemCode::Invalid), Some("url")),
            "{url}"
        );
    }
    let long = format!("https://hooks.example/{}", "x".repeat(500));
    assert_eq!(
        try_add(&ada, &long, 1).await.expect_err("too long").field(),
        Some("url")
    );
    try_add(&ada, "https://hooks.example/", 1)
        .await
        .expect("a public name");
}

both_engines!(
    /// Threat model: WHK-1.
    async fn a_name_that_leads_inside_tells_nothing_of_what_is_there(server: Server) {
        let receiver = crate::support::receiver::Receiver::start().await;
        let mut config = server.gangway.config.clone();
        config.public_url = "https://panel.example".parse().expect("a URL");
        let courier = gangway_server::webhooks::Courier::new(&config).expect("TLS");
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let mut answers = Vec::new();
        // The one is open, the other is not, the third is no name.
        for (key, host) in [
            format!("localhost:{}", receiver.address.port()),
            "localhost:1".to_owned(),
            "no-such-name.invalid".to_owned(),
        ]
        .into_iter()
        .enumerate()
        {
            let key = u8::try_from(key).expect("few");
            try_add(&ada, &format!("https://{host}/"), key)
                .await
                .expect("a name");
        }
        SoftDevice::in_fleet(&server, &ada).await;
        gangway_server::webhooks::delivery::deliver_due(&server.gangway, &courier).await;
        let webhooks = ada
            .api
            .webhooks(&home, &PageQuery::default())
            .await
            .expect("webhooks");
        for webhook in webhooks.items {
            let log = ada
                .api
                .webhook_deliveries(&home, &webhook.id, &PageQuery::default())
                .await;
            let delivery = log.expect("the log").items.remove(0);
            let attempt = delivery.attempts[0].clone();
            answers.push((delivery.state, attempt.status, attempt.detail));
        }
        let refused = (
            DeliveryState::Waiting,
            None,
            "it leads to no public address".to_owned(),
        );
        assert_eq!(answers, vec![refused; 3]);
        assert_eq!(receiver.received().len(), 0);
    }
);

/// Threat model: WHK-1.
#[tokio::test]
async fn what_an_operator_allows_is_reached_and_what_they_take_back_is_not() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.public_url = "https://panel.example".parse().expect("a URL");
        config.webhook_networks = vec!["127.0.0.0/30".parse().expect("a network")];
    })
    .await;
    let hook = Hook::new(&server).await;
    try_add(&hook.ada, "https://127.0.0.4/", 1)
        .await
        .expect_err("beside the network");
    SoftDevice::in_fleet(&server, &hook.ada).await;
    deliver(&server).await;
    assert_eq!(hook.receiver.types(), ["device.enrolled"]);
    let mut config = server.gangway.config.clone();
    config.webhook_networks = Vec::new();
    let courier = gangway_server::webhooks::Courier::new(&config).expect("TLS");
    SoftDevice::in_fleet(&server, &hook.ada).await;
    gangway_server::webhooks::delivery::deliver_due(&server.gangway, &courier).await;
    assert_eq!(hook.receiver.types().len(), 1);
}
