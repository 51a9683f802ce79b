//! Webhooks: what is told, to whom, how it is signed, what becomes of it when nobody answers; and certificates that end soon.

mod delivery;
mod events;
mod expiring;
mod rights;

use gangway_client::IdempotencyKey;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;
use gangway_protocol::page::PageQuery;
use gangway_protocol::secret::SecretString;
use gangway_protocol::webhook::{Webhook, WebhookDelivery, WebhookEventType, WebhookRequest, WebhookUpdate};
use gangway_server::webhooks::delivery::deliver_due;

use crate::support::Server;
use crate::support::member::Member;
use crate::support::receiver::Receiver;

/// An organisation with an admin, and a webhook that leads to a receiver.
struct Hook {
    home: OrganisationId,
    ada: Member,
    receiver: Receiver,
    webhook: Webhook,
    secret: SecretString,
}

impl Hook {
    /// One that wants everything.
    async fn new(server: &Server) -> Self {
        Self::wanting(server, &[]).await
    }

    async fn wanting(server: &Server, events: &[WebhookEventType]) -> Self {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        Self::of(&home, ada, events).await
    }

    async fn of(home: &OrganisationId, ada: Member, events: &[WebhookEventType]) -> Self {
        let receiver = Receiver::start().await;
        let mut webhook = add(&ada, home, &receiver.url(), events).await;
        Self {
            home: home.clone(),
            ada,
            receiver,
            secret: webhook.secret.take().expect("it is shown once"),
            webhook,
        }
    }

    /// What its log says, newest first.
    async fn log(&self) -> Vec<WebhookDelivery> {
        let page = PageQuery::default();
        let log = self
            .ada
            .api
            .webhook_deliveries(&self.home, &self.webhook.id, &page)
            .await;
        log.expect("the log").items
    }

    /// How it stands by now.
    async fn standing(&self) -> Webhook {
        let all = self.ada.api.webhooks(&self.home, &PageQuery::default()).await;
        let mut all = all.expect("webhooks").items;
        all.retain(|webhook| webhook.id == self.webhook.id);
        all.pop().expect("it is there")
    }

    async fn switch(&self, on: bool) -> Webhook {
        let update = WebhookUpdate {
            on: Some(on),
            ..WebhookUpdate::default()
        };
        let switched = self
            .ada
            .api
            .change_webhook(&self.home, &self.webhook.id, &update)
            .await;
        switched.expect("it is switched")
    }

    /// The same, after so long that its admin signed in anew.
    async fn refresh(&mut self, server: &Server) {
        self.ada = server.refresh(&self.ada).await;
    }

    /// The same, after the server was restarted.
    fn again(&mut self, server: &Server) {
        self.ada = server.again(&self.ada);
    }
}

async fn add(member: &Member, home: &OrganisationId, url: &str, events: &[WebhookEventType]) -> Webhook {
    let request = WebhookRequest {
        name: "Maintenance".to_owned(),
        url: url.to_owned(),
        events: events.to_vec(),
    };
    let mut key = [0; 16];
    key.iter_mut()
        .zip(url.bytes().rev().chain(home.as_str().bytes().rev()))
        .for_each(|(at, byte)| *at = byte);
    let added = member
        .api
        .add_webhook(home, &request, &IdempotencyKey::new(key))
        .await;
    added.expect("a webhook")
}

/// What the server does by itself for webhooks, once.
async fn deliver(server: &Server) {
    deliver_due(&server.gangway, &server.gangway.courier).await;
}
