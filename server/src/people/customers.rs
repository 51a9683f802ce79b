//! Customers: made by whoever signs up, by links of the operator, or for the command line.
//!
//! 1. Somebody asks for a link on the page `/sign-up`, where everybody may, or gets one from the operator.
//! 2. By that link they register ([`super::registration`]) or, with the account they have, go on ([`super::joining`]); either makes
//!    the customer in the same transaction ([`make`]).
//!
//! Somebody without an account can make rows by this, so it is bounded: links per address, customers per hour, devices per customer.

use gangway_protocol::account::{RegistrationGrant, SignUpMode, SignUps};
use gangway_protocol::audit::Action;
use gangway_protocol::id::{AccountId, OrganisationId, SignerId};
use gangway_protocol::organisation::{INVITATION_LIFE, Role};
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;

use super::links::{HOUR_LINK, Made};
use crate::authority::{Error, Result, fit_name};
use crate::clock::Clock;
use crate::config::Config;
use crate::context::Context;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::links::{Link, Purpose};
use crate::db::organisations::customers::{self, Customer};
use crate::db::{Conn, Db, DbError, audit, memberships, signers, write};
use crate::limits::{ClientAddress, Limits, TooMany};
use crate::rng::Random;

/// The span over which customers that sign up are counted.
const SPAN: i64 = UnixMillis::HOUR;
/// Customers that one look at the database brings.
const PAGE: i64 = 500;

const CLOSED: Error = Error::Forbidden(
    "nobody can sign up here by themselves: ask whoever operates this server for an invitation",
);

/// What a new customer is made of.
#[derive(Clone, Debug)]
pub struct NewCustomer {
    /// Its id.
    pub id: OrganisationId,
    /// The id of its first signer.
    pub signer: SignerId,
    /// How many devices it may have, if it signed up.
    sign_up_devices: u32,
    /// How many customers may sign up in an hour.
    sign_ups: u32,
}

impl NewCustomer {
    /// Fresh ids, and the bounds that hold for whoever signs up.
    #[must_use]
    pub fn new(context: &Context, now: UnixMillis) -> Self {
        Self {
            id: OrganisationId::new(now, context.random.for_id()),
            signer: SignerId::new(now, context.random.for_id()),
            sign_up_devices: context.config.sign_up_devices,
            sign_ups: context.config.caps.sign_ups,
        }
    }

    /// Makes it with its owner, by a link for this purpose.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when many have signed up lately.
    pub async fn make_by(
        &self,
        tx: &mut Conn<'_>,
        purpose: &Purpose,
        name: &str,
        owner: &Actor<'_>,
        account: &AccountId,
        now: UnixMillis,
    ) -> Result<()> {
        let quota = match purpose {
            Purpose::SignUp => {
                require_room(tx, self.sign_ups, now).await?;
                Some(self.sign_up_devices)
            }
            _ => None,
        };
        make(tx, &self.id, &self.signer, name, quota, now).await?;
        memberships::set(tx, &self.id, account, Role::Owner, now).await?;
        let entry = |scope, subject, detail| Entry {
            scope,
            at: now,
            actor: *owner,
            action: Action::OrganisationSetUp,
            subject,
            detail,
        };
        // The operator reads of a new customer in the server's own record.
        let entries = [
            entry(
                Scope::Organisation(&self.id),
                account.as_str(),
                Role::Owner.as_str(),
            ),
            entry(Scope::Server, self.id.as_str(), name),
        ];
        Ok(audit::append_all(tx, &entries).await?)
    }
}

/// Makes a customer with its first signer.
///
/// # Errors
/// What the database says.
pub async fn make(
    tx: &mut Conn<'_>,
    id: &OrganisationId,
    signer: &SignerId,
    name: &str,
    device_quota: Option<u32>,
    now: UnixMillis,
) -> Result<(), DbError> {
    customers::insert(tx, id, name, device_quota, now).await?;
    signers::add_builtin(tx, id, now, signer.clone()).await
}

/// The name of the customer that a link makes, as whoever uses it says, else as the operator suggested; `None`: it makes none.
///
/// # Errors
/// [`Error::Invalid`] when it is not fit.
pub fn name_for(link: &Link, given: Option<&str>) -> Result<Option<String>> {
    match link.purpose {
        Purpose::Setup | Purpose::Customer | Purpose::SignUp => {
            fit_name("organisation", given.unwrap_or(&link.note)).map(Some)
        }
        Purpose::Invitation { .. } | Purpose::Recovery { .. } => Ok(None),
    }
}

/// How somebody signs up here.
#[must_use]
pub fn sign_ups(context: &Context) -> SignUps {
    SignUps {
        mode: context.config.sign_up,
    }
}

/// Begins a sign-up: a token for a registration, good for an hour. Sign-ups that an address begins are counted before.
///
/// # Errors
/// [`Error::Forbidden`] unless everybody may; [`Error::RateLimited`] when this address or all have signed up often lately.
pub async fn sign_up(
    context: &Context,
    limits: &Limits,
    address: ClientAddress,
) -> Result<RegistrationGrant> {
    if context.config.sign_up != SignUpMode::Open {
        return Err(CLOSED);
    }
    limits.sign_up(address.0.into(), context.clock.monotonic())?;
    let now = context.clock.now();
    let made = Made::new(Purpose::SignUp, HOUR_LINK, now, &*context.random);
    let (token, most) = (made.secret.clone(), context.config.caps.sign_ups);
    write!(context.db, |tx| -> Result<()> {
        require_room(tx, most, now).await?;
        Ok(made.keep(tx, now).await?)
    })?;
    Ok(RegistrationGrant { token })
}

async fn require_room(conn: &mut Conn<'_>, most: u32, now: UnixMillis) -> Result<()> {
    let oldest = match most {
        0 => Some(now),
        most => customers::nth_newest(conn, most).await?,
    };
    match oldest.map(|at| SPAN - now.since(at)) {
        Some(wait) if wait > 0 => Err(TooMany::after(wait).into()),
        _ => Ok(()),
    }
}

/// A link by which somebody becomes a customer, for the operator to send. `name` is what its organisation is called unless they say
/// something else.
///
/// # Errors
/// [`Error::Invalid`] when the name is not fit; [`Error::Conflict`] where nobody may become one.
pub async fn invite(
    db: &Db,
    config: &Config,
    clock: &dyn Clock,
    random: &dyn Random,
    name: &str,
) -> Result<SecretString> {
    if config.sign_up == SignUpMode::Closed {
        return Err(Error::Conflict(
            "this server takes no further customers: `sign_up` is closed in its configuration".to_owned(),
        ));
    }
    let name = match name.trim() {
        "" => String::new(),
        name => fit_name("name", name)?,
    };
    let now = clock.now();
    let mut made = Made::new(Purpose::Customer, INVITATION_LIFE, now, random);
    made.link.note = name;
    let url = made.url(config);
    write!(db, |tx| -> Result<()> {
        made.keep(tx, now).await?;
        let entry = Entry {
            scope: Scope::Server,
            at: now,
            actor: Actor::Server,
            action: Action::CustomerInvited,
            subject: made.link.id.as_str(),
            detail: &made.link.note,
        };
        Ok(audit::append(tx, &entry).await?)
    })?;
    Ok(url)
}

/// Every customer.
///
/// # Errors
/// What the database says.
pub async fn list(db: &Db) -> Result<Vec<Customer>, DbError> {
    let mut found: Vec<Customer> = Vec::new();
    loop {
        let after = found.last().map_or("", |last| last.id.as_str()).to_owned();
        let mut reader = db.reader().await?;
        let page = customers::list(&mut reader.conn(), &after, PAGE).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page);
    }
}

/// Says how many devices a customer may have; `None`: as many as it likes. It keeps those it has.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn set_device_quota(
    db: &Db,
    clock: &dyn Clock,
    customer: OrganisationId,
    quota: Option<u32>,
) -> Result<()> {
    let now = clock.now();
    let detail = quota.map_or_else(
        || "as many devices as it likes".to_owned(),
        |quota| format!("{quota} devices"),
    );
    write!(db, |tx| -> Result<()> {
        if !customers::set_device_quota(tx, &customer, quota).await? {
            return Err(Error::NotFound);
        }
        let entry = Entry {
            scope: Scope::Organisation(&customer),
            at: now,
            actor: Actor::Server,
            action: Action::OrganisationQuotaChanged,
            subject: customer.as_str(),
            detail: &detail,
        };
        Ok(audit::append(tx, &entry).await?)
    })
}
