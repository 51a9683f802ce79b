//! A look behind the front door: what is stored, and what no endpoint makes yet.

use gangway_protocol::id::{AccountId, DeviceId, OrganisationId, SignerId};
use gangway_protocol::organisation::Policy;
use gangway_server::audit::BrokenChain;
use gangway_server::audit::verification::CheckError;
use gangway_server::db::{DbError, FromRow, Query, assembled, query, signers};
use gangway_server::people::customers;

use super::Server;

impl Server {
    /// The one text that a query gives.
    pub(crate) async fn text(&self, sql: &str) -> String {
        let mut reader = self.gangway.db.reader().await.expect("a reader");
        let row: Result<(String,), DbError> = assembled(sql.to_owned()).fetch_one(&mut reader.conn()).await;
        row.expect("the query gives a text").0
    }

    /// How often something was recorded.
    pub(crate) async fn records(&self, action: &str) -> u32 {
        self.text(&format!(
            "SELECT CAST(COUNT(*) AS TEXT) FROM audit WHERE action = '{action}'"
        ))
        .await
        .parse()
        .expect("a count is a number")
    }

    /// A new organisation with the built-in CA as its signer.
    pub(crate) async fn organisation(&self, name: &str) -> OrganisationId {
        let (now, random) = (self.gangway.clock.now(), &self.gangway.random);
        let id = OrganisationId::new(now, random.for_id());
        let (owned, name, signer) = (id.clone(), name.to_owned(), SignerId::new(now, random.for_id()));
        self.gangway
            .db
            .write::<(), DbError, _>(move |mut conn| {
                Box::pin(async move { customers::make(&mut conn, &owned, &signer, &name, None, now).await })
            })
            .await
            .expect("an organisation is made");
        id
    }

    /// Changes an organisation's policy.
    pub(crate) async fn set_policy(&self, organisation: &OrganisationId, change: impl FnOnce(&mut Policy)) {
        let mut policy = Policy::default();
        change(&mut policy);
        let text = serde_json::to_string(&policy).expect("JSON");
        self.execute(
            "UPDATE organisations SET policy = $1 WHERE id = $2",
            &[&text, organisation.as_str()],
        )
        .await;
    }

    /// Runs one statement on the database, behind the server's back.
    pub(crate) async fn execute(&self, sql: &'static str, values: &[&str]) -> u64 {
        let statement = values.iter().copied().fold(query(sql), Query::bind);
        self.gangway
            .db
            .write(move |mut conn| Box::pin(async move { statement.execute(&mut conn).await }))
            .await
            .expect("the statement runs")
    }

    /// Rows of the database, behind the server's back.
    pub(crate) async fn query<T: FromRow>(&self, sql: &'static str) -> Vec<T> {
        let mut reader = self.gangway.db.reader().await.expect("a reader");
        let rows = query(sql).fetch_all(&mut reader.conn()).await;
        rows.expect("the query runs")
    }

    /// Whether the record of every chain holds.
    pub(crate) async fn verify_audit(&self) -> Result<(), BrokenChain> {
        match gangway_server::audit::verification::verify(&self.gangway.db, &[]).await {
            Ok(_) => Ok(()),
            Err(CheckError::Broken(broken)) => Err(broken),
            Err(CheckError::Db(error)) => panic!("the record can be read: {error}"),
        }
    }

    /// Grows a branch below `root`: one organisation, and one below that.
    pub(crate) async fn grow_tree(&self, root: &OrganisationId) -> [OrganisationId; 2] {
        let (now, random) = (self.gangway.clock.now(), &self.gangway.random);
        let middle = OrganisationId::new(now, random.for_id());
        let leaf = OrganisationId::new(now.plus(1), random.for_id());
        for (id, parent) in [(&middle, root), (&leaf, &middle)] {
            self.run_sql(format!(
                "INSERT INTO organisations (id, parent, root, name, policy, own_policy, created_at)
                 SELECT '{id}', id, COALESCE(root, id), 'Branch', policy, '{{}}', created_at FROM organisations WHERE id = '{parent}'"
            ))
            .await;
            self.add_builtin_signer(id).await;
        }
        [middle, leaf]
    }

    async fn add_builtin_signer(&self, organisation: &OrganisationId) {
        let now = self.gangway.clock.now();
        let (organisation, signer) = (
            organisation.clone(),
            SignerId::new(now, self.gangway.random.for_id()),
        );
        self.gangway
            .db
            .write::<(), DbError, _>(move |mut conn| {
                Box::pin(async move { signers::add_builtin(&mut conn, &organisation, now, signer).await })
            })
            .await
            .expect("a signer is added");
    }

    /// Adds as many devices that are like this one in everything but their id.
    pub(crate) async fn multiply(&self, device: &DeviceId, count: usize) {
        let (now, random) = (self.gangway.clock.now(), &self.gangway.random);
        let ids: Vec<String> = (0..count)
            .map(|_| format!("('{}')", DeviceId::new(now, random.for_id())))
            .collect();
        self.run_sql(format!(
            "INSERT INTO devices (id, organisation, customer, name, sort_name, labels, state, state_since, facts, search, approver,
                 created_at)
             SELECT v.column1, organisation, customer, name, sort_name, labels, state, state_since, facts, search, approver,
                 created_at FROM devices, (VALUES {}) AS v WHERE id = '{device}'",
            ids.join(", ")
        ))
        .await;
    }

    /// Moves a membership from one organisation to another.
    pub(crate) async fn move_member(&self, account: &AccountId, from: &OrganisationId, to: &OrganisationId) {
        self.run_sql(format!(
            "UPDATE memberships SET organisation = '{to}' WHERE organisation = '{from}' AND account = '{account}'"
        ))
        .await;
    }

    async fn run_sql(&self, sql: String) {
        self.gangway
            .db
            .write(move |mut conn| Box::pin(async move { assembled(sql).execute(&mut conn).await }))
            .await
            .expect("the statement succeeds");
    }
}
