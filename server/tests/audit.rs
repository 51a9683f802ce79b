//! The record of an organisation, as its admins read, verify and export it.

mod checkpoints;
mod export;
mod page;
mod reading;
mod verification;

use gangway_protocol::audit::{Action, AuditEntry, AuditQuery};
use gangway_protocol::id::OrganisationId;
use gangway_server::db::DbError;
use gangway_server::db::audit::{Actor, Entry, Scope, append_all};

use crate::support::Server;
use crate::support::member::Member;

/// The entries that a query asks for, all pages of this size after each other.
async fn all_of(
    member: &Member,
    organisation: &OrganisationId,
    query: &AuditQuery,
    limit: u32,
) -> Vec<AuditEntry> {
    let mut query = AuditQuery {
        limit: Some(limit),
        ..query.clone()
    };
    let mut found = Vec::new();
    loop {
        let page = member.api.audit(organisation, &query).await.expect("a page");
        assert!(page.items.len() <= usize::try_from(limit).expect("a size"));
        found.extend(page.items);
        query.after = page.next;
        if query.after.is_none() {
            return found;
        }
    }
}

fn asked(change: impl FnOnce(&mut AuditQuery)) -> AuditQuery {
    let mut query = AuditQuery::default();
    change(&mut query);
    query
}

impl Server {
    /// Adds so many entries to the record of an organisation.
    async fn fill_record(&self, organisation: &OrganisationId, count: usize) {
        let now = self.gangway.clock.now();
        let organisation = organisation.clone();
        let written = self.gangway.db.write::<(), DbError, _>(move |mut conn| {
            let organisation = organisation.clone();
            Box::pin(async move {
                let entry = Entry {
                    scope: Scope::Organisation(&organisation),
                    at: now,
                    actor: Actor::Server,
                    action: Action::OrganisationRenamed,
                    subject: organisation.as_str(),
                    detail: "=1+1",
                };
                append_all(&mut conn, &vec![entry; count]).await
            })
        });
        written.await.expect("they are recorded");
    }

    /// Lets the record be changed, as whoever owns the database can.
    async fn open_record(&self) {
        if self.gangway.config.database_url.is_some() {
            self.execute("DROP TRIGGER audit_is_append_only ON audit", &[])
                .await;
        } else {
            self.execute("DROP TRIGGER audit_is_append_only_update", &[])
                .await;
            self.execute("DROP TRIGGER audit_is_append_only_delete", &[])
                .await;
        }
    }
}
