//! A look behind the front door: what is stored, and what no endpoint makes yet.

use gangway_protocol::id::{AccountId, OrganisationId};
use gangway_server::db::{Conn, Db, DbError};
use sqlx::AssertSqlSafe;

use super::Server;

impl Server {
    /// The one text that a query gives.
    pub(crate) async fn text(&self, sql: &str) -> String {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.gangway.db {
            Db::Sqlite { readers, .. } => sqlx::query_scalar(sql).fetch_one(readers).await,
            Db::Postgres(pool) => sqlx::query_scalar(sql).fetch_one(pool).await,
        }
        .expect("the query gives a text")
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

    /// Grows a branch below `root`: one organisation, and one below that.
    pub(crate) async fn grow_tree(&self, root: &OrganisationId) -> [OrganisationId; 2] {
        let (now, random) = (self.gangway.clock.now(), &self.gangway.random);
        let middle = OrganisationId::new(now, random.for_id());
        let leaf = OrganisationId::new(now.plus(1), random.for_id());
        for (id, parent) in [(&middle, root), (&leaf, &middle)] {
            self.run_sql(format!(
                "INSERT INTO organisations (id, parent, name, policy, created_at)
                 SELECT '{id}', id, 'Branch', policy, created_at FROM organisations WHERE id = '{parent}'"
            ))
            .await;
        }
        [middle, leaf]
    }

    /// Moves a membership from one organisation to another.
    pub(crate) async fn move_member(&self, account: &AccountId, from: &OrganisationId, to: &OrganisationId) {
        self.run_sql(format!(
            "UPDATE memberships SET organisation = '{to}' WHERE organisation = '{from}' AND account = '{account}'"
        ))
        .await;
    }

    async fn run_sql(&self, sql: String) {
        let done: Result<(), DbError> = self
            .gangway
            .db
            .write(move |conn| {
                Box::pin(async move {
                    let query = AssertSqlSafe(sql);
                    match conn {
                        Conn::Sqlite(c) => sqlx::query(query).execute(c).await.map(drop)?,
                        Conn::Postgres(c) => sqlx::query(query).execute(c).await.map(drop)?,
                    }
                    Ok(())
                })
            })
            .await;
        done.expect("the statement succeeds");
    }
}
