//! The way back from a provider: who it is, which account that is, what they may do now.
//!
//! A person is known by issuer and subject, and by nothing else that the provider says: addresses and names change hands.

use gangway_protocol::account::Account;
use gangway_protocol::audit::Action;
use gangway_protocol::id::{AccountId, CeremonyId};
use gangway_protocol::secret::SecretString;
use gangway_protocol::single_sign_on::{SingleSignOnPurpose, SingleSignOnReply};
use gangway_protocol::time::UnixMillis;
use serde_json::json;

use super::directory::Directory;
use super::roles::{self, Wanted};
use super::token::{self, Bound, LEEWAY, Vouching};
use super::{refused, unknown};
use crate::authority::{Error, MAX_NAME_LEN, Result, fit_name, open_place};
use crate::context::Context;
use crate::db::accounts::{AccountKind, NewAccount};
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::identity_providers::ProviderRecord;
use crate::db::organisations::tree;
use crate::db::sign_ins::{OpenedBy, Vouched};
use crate::db::{
    Conn, DbError, SecretHash, accounts, audit, identities, identity_providers, memberships, sign_ins, write,
};
use crate::limits::{AddressKey, Attempt, Who};
use crate::people::ceremony::{self, Pending, SingleSignOnFor};
use crate::people::ending::{self, Ended};
use crate::people::sign_in::{Browser, Fresh, describe_by};
use crate::people::{failing, user_handle};
use crate::relay::Relay;

/// Memberships of an account that are looked at for one of the customer.
const MAX_MEMBERSHIPS: i64 = 500;
/// The longest code that is passed on.
const MAX_CODE_LEN: usize = 4_096;

const OVER: &str = "this took too long, was answered already, or was begun in another browser: try again";
const NOBODY: &str = "your organisation's identity provider knows you, and nothing that it says gives you a role here: ask your organisation's admin";

/// What came of it.
pub struct Finished {
    /// What it was for.
    pub purpose: SingleSignOnPurpose,
    /// Whose it is.
    pub account: Account,
    /// The browser's cookie from now on; none where an account was linked.
    pub secret: Option<SecretString>,
}

/// Finishes what [`super::begin`] began, in the browser that shows its secret.
///
/// # Errors
/// [`Error::ProviderRefused`] saying why; [`Error::Conflict`]; [`Error::Unavailable`].
pub async fn finish(
    context: &Context,
    directory: &Directory,
    relay: &Relay,
    id: CeremonyId,
    reply: &SingleSignOnReply,
    binding: Option<SecretString>,
    browser: Browser,
) -> Result<Finished> {
    let address = AddressKey::from(browser.address.0);
    let finished = finish_unnoted(context, directory, relay, id, reply, binding, browser).await;
    if let Err(Error::ProviderRefused(_)) = &finished {
        let why = "what an identity provider answered did not count";
        failing::note(context, Attempt::SingleSignOn, Who::Address(address), why).await?;
    }
    finished
}

async fn finish_unnoted(
    context: &Context,
    directory: &Directory,
    relay: &Relay,
    id: CeremonyId,
    reply: &SingleSignOnReply,
    binding: Option<SecretString>,
    browser: Browser,
) -> Result<Finished> {
    // Looking at it spends it: what comes a second time finds nothing (threat model, SSO-6).
    let pending = ceremony::take(context, id).await.map_err(|error| match error {
        Error::PasskeyRefused(_) => refused(OVER),
        other => other,
    })?;
    let Pending::SingleSignOn {
        provider,
        binding: expected,
        begun_at,
        purpose,
    } = pending
    else {
        return Err(refused(OVER));
    };
    // Threat model: SSO-13. Before anything is sent: a code of one provider is worth something to whoever runs another.
    if reply.provider != provider {
        return Err(refused("the answer is of another identity provider: try again"));
    }
    let secret = binding.ok_or_else(|| refused(OVER))?;
    if SecretHash::of(&secret).as_str() != expected || reply.code.expose().len() > MAX_CODE_LEN {
        return Err(refused(OVER));
    }
    let mut reader = context.db.reader().await?;
    let record = identity_providers::find(&mut reader.conn(), &provider).await?;
    drop(reader);
    let record = record.ok_or_else(unknown)?;
    // RFC 9207 §2.4: an answer of another provider is not brought to this one.
    if reply
        .issuer
        .as_ref()
        .is_some_and(|issuer| *issuer != record.issuer)
    {
        return Err(refused("the answer is of another identity provider: try again"));
    }
    let bound = Bound::of(&secret);
    let vouching = token::vouching(context, directory, &record, &reply.code, &bound).await?;
    let door = Door {
        context,
        relay,
        wanted: roles::wanted(&record.roles, &record.organisation, &vouching.claims),
        record,
        vouching,
        now: context.clock.now(),
    };
    match purpose {
        SingleSignOnFor::SignIn => door.sign_in(browser).await,
        SingleSignOnFor::StepUp { sign_in } => door.step_up(browser, sign_in, begun_at).await,
        SingleSignOnFor::Link { sign_in, account } => door.link(sign_in, account).await,
    }
}

/// Somebody at the door, for whom a provider vouches.
struct Door<'a> {
    context: &'a Context,
    relay: &'a Relay,
    record: ProviderRecord,
    vouching: Vouching,
    wanted: Wanted,
    now: UnixMillis,
}

/// What a transaction needs of it.
#[derive(Clone)]
struct Visit {
    record: ProviderRecord,
    subject: String,
    wanted: Wanted,
    account: AccountId,
    now: UnixMillis,
}

impl Door<'_> {
    async fn sign_in(self, browser: Browser) -> Result<Finished> {
        let known = self.known().await?;
        let new = NewAccount {
            id: AccountId::new(self.now, self.context.random.for_id()),
            user_handle: user_handle(&*self.context.random).to_string(),
            name: name_of(&self.vouching),
            kind: AccountKind::Person,
        };
        let visit = self.visit(known.clone().unwrap_or_else(|| new.id.clone()));
        let fresh = self.fresh(&visit, browser);
        let opened = fresh.clone();
        let (refusal, ended) = write!(self.context.db, |tx| -> Result<(Option<Error>, Vec<Ended>)> {
            visit.stands(tx).await?;
            let present = identities::find(tx, &visit.record.id, &visit.subject).await?;
            if present != known {
                return Err(refused(OVER));
            }
            if present.is_none() {
                visit.welcome(tx, &new).await?;
            }
            let ended = visit.apply_roles(tx).await?;
            if !visit.has_a_place(tx).await? {
                // Whoever comes for the first time and does not come in leaves nothing behind; from others, what was taken away stays
                // taken away.
                if present.is_none() {
                    return Err(refused(NOBODY));
                }
                return Ok((Some(refused(NOBODY)), ended));
            }
            opened.open(tx, visit.now).await?;
            let detail = format!("{} by {}", opened.sign_in.browser, visit.record.name);
            visit
                .record(tx, Action::SignInOpened, opened.sign_in.id.as_str(), &detail)
                .await?;
            Ok((None, ended))
        })?;
        let account = fresh.sign_in.account.clone();
        self.tell(&account, &ended).await;
        match refusal {
            Some(refusal) => Err(refusal),
            None => {
                self.finished(SingleSignOnPurpose::SignIn, &account, Some(fresh))
                    .await
            }
        }
    }

    async fn step_up(
        self,
        browser: Browser,
        sign_in: gangway_protocol::id::SignInId,
        begun_at: UnixMillis,
    ) -> Result<Finished> {
        // Threat model: SSO-8. That they are signed in there is not enough: they have to have proved who they are since.
        match self.vouching.verified_at {
            None => {
                return Err(refused(
                    "the identity provider does not say when you signed in there (auth_time): confirm with a passkey, or ask your organisation's admin",
                ));
            }
            Some(at) if at < begun_at.plus(-LEEWAY) => {
                return Err(refused(
                    "the identity provider did not ask you to sign in again: confirm with a passkey, or ask your organisation's admin",
                ));
            }
            Some(_) => {}
        }
        let other = "you signed in at the identity provider as somebody else: try again as yourself";
        let account = self.known().await?.ok_or_else(|| refused(other))?;
        let visit = self.visit(account.clone());
        let fresh = self.fresh(&visit, browser);
        let rotated = fresh.clone();
        let ended = write!(self.context.db, |tx| -> Result<Vec<Ended>> {
            visit.stands(tx).await?;
            let hash = SecretHash::of(&rotated.secret);
            let (provider, sign_in_row) = (&visit.record.id, &rotated.sign_in);
            if !sign_ins::rotate_by_provider(tx, &sign_in, &hash, provider, sign_in_row, visit.now).await? {
                return Err(refused(other));
            }
            let ended = visit.apply_roles(tx).await?;
            visit
                .record(tx, Action::SignInSteppedUp, sign_in.as_str(), &visit.record.name)
                .await?;
            Ok(ended)
        })?;
        self.tell(&account, &ended).await;
        self.finished(SingleSignOnPurpose::StepUp, &account, Some(fresh))
            .await
    }

    async fn link(self, sign_in: gangway_protocol::id::SignInId, account: AccountId) -> Result<Finished> {
        let visit = self.visit(account.clone());
        let ended = write!(self.context.db, |tx| -> Result<Vec<Ended>> {
            visit.stands(tx).await?;
            if !sign_ins::lives(tx, &sign_in, visit.now).await? {
                return Err(Error::Unauthenticated);
            }
            if identities::find(tx, &visit.record.id, &visit.subject)
                .await?
                .is_some()
            {
                return Err(Error::Conflict(
                    "you have an account here by this identity provider already: use that one, or end its link first"
                        .to_owned(),
                ));
            }
            visit.insert(tx).await?;
            let ended = visit.apply_roles(tx).await?;
            visit
                .record(
                    tx,
                    Action::IdentityLinked,
                    visit.record.id.as_str(),
                    &visit.record.name,
                )
                .await?;
            Ok(ended)
        })?;
        self.tell(&account, &ended).await;
        self.finished(SingleSignOnPurpose::Link, &account, None).await
    }

    /// The account that they have by this provider.
    async fn known(&self) -> Result<Option<AccountId>> {
        let mut reader = self.context.db.reader().await?;
        Ok(identities::find(&mut reader.conn(), &self.record.id, &self.vouching.subject).await?)
    }

    fn visit(&self, account: AccountId) -> Visit {
        Visit {
            record: self.record.clone(),
            subject: self.vouching.subject.clone(),
            wanted: self.wanted.clone(),
            account,
            now: self.now,
        }
    }

    fn fresh(&self, visit: &Visit, browser: Browser) -> Fresh {
        let evidence = json!({
            "provider": self.record.id,
            "issuer": self.record.issuer,
            "subject": self.vouching.subject,
            "auth_time": self.vouching.verified_at.map(UnixMillis::as_secs),
        });
        let vouched = Vouched {
            provider: self.record.id.clone(),
            customer: self.record.organisation.clone(),
        };
        Fresh::opened(
            self.context,
            visit.account.clone(),
            OpenedBy::Provider(vouched, self.vouching.session.clone()),
            // A provider that does not say when has proved nothing fresh.
            self.vouching.verified_at.unwrap_or(UnixMillis(0)),
            evidence.to_string(),
            browser,
        )
    }

    async fn tell(&self, account: &AccountId, ended: &[Ended]) {
        if !ended.is_empty() {
            ending::tell_devices(self.context, ended);
            ending::look_again(self.context, self.relay, account).await;
        }
    }

    async fn finished(
        &self,
        purpose: SingleSignOnPurpose,
        account: &AccountId,
        fresh: Option<Fresh>,
    ) -> Result<Finished> {
        let vouched = fresh.as_ref().and_then(|fresh| match &fresh.sign_in.opened_by {
            OpenedBy::Provider(vouched, _) => Some(vouched.clone()),
            OpenedBy::Passkey(_) => None,
        });
        let root = vouched.as_ref().map(|vouched| &vouched.customer);
        let verified_at = fresh.as_ref().map(|fresh| fresh.sign_in.verified_at);
        let account = describe_by(self.context, account, root, verified_at, vouched.as_ref()).await?;
        Ok(Finished {
            purpose,
            account,
            secret: fresh.map(|fresh| fresh.secret),
        })
    }
}

impl Visit {
    /// Makes sure that the provider has not been removed meanwhile, and its customer is open.
    async fn stands(&self, tx: &mut Conn<'_>) -> Result<()> {
        identity_providers::find(tx, &self.record.id)
            .await?
            .ok_or_else(unknown)?;
        open_place(tx, &self.record.organisation).await.map(drop)
    }

    /// An account for somebody who comes for the first time.
    async fn welcome(&self, tx: &mut Conn<'_>, new: &NewAccount) -> Result<()> {
        if !self.record.makes_accounts {
            return Err(refused(
                "nobody here is linked with you at the identity provider: sign in with your passkey and link your account on its page, or ask your organisation's admin",
            ));
        }
        // Whoever gets no role leaves no row behind.
        if self.wanted.is_empty() {
            return Err(refused(NOBODY));
        }
        accounts::insert(tx, new, self.now).await?;
        self.insert(tx).await?;
        let entry = Entry {
            scope: Scope::Organisation(&self.record.organisation),
            at: self.now,
            actor: Actor::Account {
                id: &new.id,
                name: &new.name,
            },
            action: Action::IdentityAccountMade,
            subject: new.id.as_str(),
            detail: &self.record.name,
        };
        Ok(audit::append(tx, &entry).await?)
    }

    async fn insert(&self, tx: &mut Conn<'_>) -> Result<()> {
        let (provider, customer) = (&self.record.id, &self.record.organisation);
        identities::insert(tx, provider, &self.subject, &self.account, customer, self.now)
            .await
            .map_err(|error| match error {
                DbError::Unique => Error::Conflict(
                    "this account is linked with an identity provider of this organisation already: end that link first"
                        .to_owned(),
                ),
                other => other.into(),
            })
    }

    async fn apply_roles(&self, tx: &mut Conn<'_>) -> Result<Vec<Ended>> {
        let (name, _) = accounts::name_and_handle(tx, &self.account).await?;
        let provider = (&self.record).into();
        let ended = roles::apply(tx, &provider, &self.account, &name, &self.wanted, self.now).await?;
        // The customer is held by now: what was changed or removed while the provider was asked has been, and is seen.
        let standing = identity_providers::find(tx, &self.record.id).await?;
        if standing.is_none_or(|standing| standing.roles != self.record.roles) {
            return Err(refused(OVER));
        }
        if !identities::note_use(tx, &self.record.id, &self.subject, self.now).await? {
            return Err(refused(OVER));
        }
        Ok(ended)
    }

    /// Whether there is any role left for them at this customer.
    async fn has_a_place(&self, tx: &mut Conn<'_>) -> Result<bool> {
        for (organisation, _) in memberships::of_account(tx, &self.account, MAX_MEMBERSHIPS).await? {
            let place = tree::find(tx, &organisation).await?;
            if place.is_some_and(|place| place.root == self.record.organisation) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn record(&self, tx: &mut Conn<'_>, action: Action, subject: &str, detail: &str) -> Result<()> {
        let (name, _) = accounts::name_and_handle(tx, &self.account).await?;
        // Which account belongs to whom at its provider is the customer's business; sign-ins stand with all others.
        let scope = match action {
            Action::IdentityLinked => Scope::Organisation(&self.record.organisation),
            _ => Scope::Server,
        };
        let entry = Entry {
            scope,
            at: self.now,
            actor: Actor::Account {
                id: &self.account,
                name: &name,
            },
            action,
            subject,
            detail,
        };
        Ok(audit::append(tx, &entry).await?)
    }
}

/// A name that deceives nobody, of what the provider calls them.
fn name_of(vouching: &Vouching) -> String {
    let name: String = vouching
        .name
        .as_deref()
        .unwrap_or_default()
        .trim()
        .chars()
        .take(MAX_NAME_LEN)
        .collect();
    fit_name("name", &name).unwrap_or_else(|_| "Member".to_owned())
}
