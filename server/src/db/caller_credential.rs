//! What a caller has identified itself with, as the database knows it.

use gangway_protocol::id::{SignInId, TokenId};
use gangway_protocol::time::UnixMillis;

use super::{Conn, DbError, sign_ins, tokens};

/// A signed-in browser, or a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallerCredential {
    /// A browser, by its cookie.
    SignIn(SignInId),
    /// A program, by a bearer token.
    Token(TokenId),
}

impl CallerCredential {
    /// Whether it still identifies its caller: it has been neither ended nor revoked, and has not expired.
    ///
    /// # Errors
    /// What the database says.
    pub async fn holds(&self, conn: &mut Conn<'_>, now: UnixMillis) -> Result<bool, DbError> {
        match self {
            Self::SignIn(id) => sign_ins::lives(conn, id, now).await,
            Self::Token(id) => Ok(tokens::scopes_of(conn, id, now).await?.is_some()),
        }
    }
}
