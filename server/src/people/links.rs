//! One-time links: made, shown once, looked at, and what their token is good for.
//!
//! The token stands in the URL's fragment, which no browser sends to a server, and goes into no log (threat model,
//! ENR-12). Only its hash is kept.

use gangway_protocol::account::{LinkPurpose, SignUpMode};
use gangway_protocol::audit::Action;
use gangway_protocol::id::{AccountId, LinkId, OrganisationId};
use gangway_protocol::organisation::{INVITATION_LIFE, Role};
use gangway_protocol::path::page;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;

use crate::authority::secret::SecretKind;
use crate::authority::{Error, Result};
use crate::clock::Clock;
use crate::config::Config;
use crate::context::Context;
use crate::db::SecretHash;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::links::{Link, NewLink, Purpose};
use crate::db::organisations::tree;
use crate::db::{Conn, Db, DbError, accounts, audit, links, organisations, rules, write};
use crate::rng::Random;

/// threat model, ACC-6: one hour at most for what opens an account.
pub const HOUR_LINK: i64 = UnixMillis::HOUR;
/// How long a recovery code's grant is good for: the person is at the page already.
pub const GRANT_LIFE: i64 = 10 * UnixMillis::MINUTE;
/// Persons of one name that the command line lists when it has to ask which one is meant.
const NAMESAKES: i64 = 10;

/// A link that was made: its row, and the secret that is shown this once.
#[derive(Clone)]
pub struct Made {
    /// What is kept.
    pub link: NewLink,
    /// What is shown.
    pub secret: SecretString,
    hash: SecretHash,
}

impl Made {
    /// A link of this purpose, not kept yet.
    #[must_use]
    pub fn new(purpose: Purpose, life: i64, now: UnixMillis, random: &dyn Random) -> Self {
        let kind = match &purpose {
            Purpose::Setup => SecretKind::Setup,
            Purpose::Customer | Purpose::SignUp => SecretKind::Customer,
            Purpose::Invitation { .. } => SecretKind::Invitation,
            Purpose::Recovery { .. } => SecretKind::Recovery,
        };
        let secret = kind.mint(random);
        Self {
            hash: SecretHash::of(&secret),
            secret,
            link: NewLink {
                id: LinkId::new(now, random.for_id()),
                purpose,
                note: String::new(),
                created_by: None,
                expires_at: now.plus(life),
            },
        }
    }

    /// Keeps it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn keep(&self, tx: &mut Conn<'_>, now: UnixMillis) -> Result<(), DbError> {
        links::insert(tx, &self.hash, &self.link, now).await
    }

    /// The whole link, for a person to open.
    #[must_use]
    pub fn url(&self, config: &Config) -> SecretString {
        let (origin, path, token) = (config.origin(), page::SETUP, self.secret.expose());
        SecretString::new(format!("{origin}{path}#{token}"))
    }
}

/// A link that makes the first person's account, to be shown on the server's console; `None` once any person has one.
///
/// # Errors
/// What the database says.
pub async fn setup_link(
    db: &Db,
    config: &Config,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Option<SecretString>, DbError> {
    let now = clock.now();
    let made = Made::new(Purpose::Setup, HOUR_LINK, now, random);
    let url = made.url(config);
    let open = write!(db, |tx| {
        if accounts::any_person(tx).await? {
            return Ok(false);
        }
        made.keep(tx, now).await?;
        Ok(true)
    })?;
    Ok(open.then_some(url))
}

/// Why the command line gets no recovery link.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryLinkError {
    /// Nobody has that name or id.
    #[error(
        "no person has the name or id “{0}”: `--account` takes the name that the panel shows, or an id (acc_…)"
    )]
    Nobody(String),
    /// Several persons have that name.
    #[error("{} persons have that name: say which one by its id: {}", .0.len(), ids(.0))]
    Several(Vec<AccountId>),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

fn ids(accounts: &[AccountId]) -> String {
    let ids: Vec<&str> = accounts.iter().map(AccountId::as_str).collect();
    ids.join(", ")
}

/// A link by which a person adds a passkey to their account; `account` is a name or an id.
///
/// # Errors
/// When it is not clear who is meant.
pub async fn recovery_link(
    db: &Db,
    config: &Config,
    clock: &dyn Clock,
    random: &dyn Random,
    account: &str,
) -> Result<SecretString, RecoveryLinkError> {
    let now = clock.now();
    let mut reader = db.reader().await?;
    let found = accounts::persons_named(&mut reader.conn(), account, NAMESAKES).await?;
    drop(reader);
    let account = match found.as_slice() {
        [] => return Err(RecoveryLinkError::Nobody(account.to_owned())),
        [(id, _)] => id.clone(),
        several => {
            return Err(RecoveryLinkError::Several(
                several.iter().map(|(id, _)| id.clone()).collect(),
            ));
        }
    };
    let made = Made::new(
        Purpose::Recovery {
            account: account.clone(),
        },
        HOUR_LINK,
        now,
        random,
    );
    let url = made.url(config);
    write!(db, |tx| {
        made.keep(tx, now).await?;
        let entry = Entry {
            scope: Scope::Server,
            at: now,
            actor: Actor::Server,
            action: Action::RecoveryLinkCreated,
            subject: account.as_str(),
            detail: "by the operator, on the command line",
        };
        audit::append(tx, &entry).await
    })?;
    Ok(url)
}

/// What the link of this token is for, if it is good for anything at present.
///
/// # Errors
/// [`Error::LinkUnknown`].
pub async fn inspect(context: &Context, token: &SecretString) -> Result<LinkPurpose> {
    let mut reader = context.db.reader().await?;
    let conn = &mut reader.conn();
    let link = open(conn, token, context.config.sign_up, context.clock.now()).await?;
    Ok(match link.purpose {
        Purpose::Setup => LinkPurpose::Setup {},
        Purpose::Customer | Purpose::SignUp => LinkPurpose::Customer {
            organisation: link.note,
        },
        Purpose::Invitation { organisation, role } => LinkPurpose::Invitation {
            organisation: name_of(conn, &organisation).await?,
            role,
        },
        Purpose::Recovery { account } => LinkPurpose::Recovery {
            account: accounts::name_and_handle(conn, &account).await?.0,
        },
    })
}

/// The link of this token, if it is good for anything at present, as the operator lets people sign up by `mode`.
///
/// # Errors
/// [`Error::LinkUnknown`].
pub async fn open(
    conn: &mut Conn<'_>,
    token: &SecretString,
    mode: SignUpMode,
    now: UnixMillis,
) -> Result<Link> {
    let found = links::by_secret(conn, &SecretHash::of(token), now).await?;
    let link = found.ok_or(Error::LinkUnknown)?;
    require_backing(conn, &link, mode).await?;
    Ok(link)
}

/// Uses a link up.
///
/// # Errors
/// [`Error::LinkUnknown`] when somebody was faster, or it is good for nothing any more; roll back then.
pub async fn take(conn: &mut Conn<'_>, id: &LinkId, mode: SignUpMode, now: UnixMillis) -> Result<Link> {
    // The organisation before the link, as whoever archives one takes them.
    if let Some(organisation) = links::organisation_of(conn, id).await? {
        organisations::bump_revision(conn, &organisation).await?;
        let place = tree::find(conn, &organisation).await?;
        if place.is_none_or(|place| !place.is_open()) {
            return Err(Error::LinkUnknown);
        }
    }
    let link = links::take(conn, id, now).await?.ok_or(Error::LinkUnknown)?;
    require_backing(conn, &link, mode).await?;
    Ok(link)
}

/// A link gives no more than whoever made it may give now, whatever they could when they made it.
async fn require_backing(conn: &mut Conn<'_>, link: &Link, mode: SignUpMode) -> Result<()> {
    let holds = match (&link.purpose, &link.created_by) {
        // Set-up is open exactly while no person has an account; a link from before is void.
        (Purpose::Setup, _) => !accounts::any_person(conn).await?,
        (Purpose::Customer, _) => mode != SignUpMode::Closed,
        (Purpose::SignUp, _) => mode == SignUpMode::Open,
        (Purpose::Invitation { organisation, role }, Some(maker)) => {
            let own = organisations::role_at(conn, organisation, maker).await?;
            own.is_some_and(|own| may_invite(own, *role))
        }
        (Purpose::Invitation { .. }, None) | (Purpose::Recovery { .. }, _) => true,
    };
    if holds { Ok(()) } else { Err(Error::LinkUnknown) }
}

/// Whether somebody in role `own` may invite somebody as `role`.
#[must_use]
pub fn may_invite(own: Role, role: Role) -> bool {
    own.may_administer() && role <= own
}

/// An invitation to `organisation`, not kept yet.
#[must_use]
pub fn invitation(
    organisation: OrganisationId,
    role: Role,
    note: String,
    by: AccountId,
    now: UnixMillis,
    random: &dyn Random,
) -> Made {
    let mut made = Made::new(
        Purpose::Invitation { organisation, role },
        INVITATION_LIFE,
        now,
        random,
    );
    made.link.note = note;
    made.link.created_by = Some(by);
    made
}

async fn name_of(conn: &mut Conn<'_>, organisation: &OrganisationId) -> Result<String> {
    let rules = rules::find(conn, organisation).await?.ok_or(Error::LinkUnknown)?;
    Ok(rules.name)
}
