//! The record as those read it who administer an organisation: which entries, page by page, with the present names of what they speak
//! of and with what confirmed them.
//!
//! A text is not searched for: names and details are in no index, and looking at each of some 100,000 entries takes a second of the
//! database for every page. Who, what, to what and when are, and lead to the same entries.

use std::collections::{BTreeSet, HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gangway_protocol::audit::{
    Action, AuditActor, AuditActorKind, AuditDetail, AuditEntry, AuditQuery, AuditSubject, Confirmation,
};
use gangway_protocol::history::DeviceAction;
use gangway_protocol::id::{AccountId, DeviceId, OrganisationId, PermitId, SignerId, TokenId};
use gangway_protocol::json::Verbatim;
use gangway_protocol::page::{DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT, Page};
use gangway_protocol::time::UnixMillis;
use serde::Deserialize;

use crate::authority::{Caller, Error, Result, Right};
use crate::db::audit::{AuditFilter, GENESIS, Moment, Named, Placed};
use crate::db::organisations::tree;
use crate::db::{Conn, Db, DbError, audit};

/// Flags of an authenticator stand behind the digest of its relying party's id (WebAuthn Level 3 §6.1); bit 2: user verified.
const FLAGS_AT: usize = 32;
const USER_VERIFIED: u8 = 1 << 2;

/// Which entries, from where on.
#[derive(Clone, Debug)]
pub struct Request {
    filter: AuditFilter,
    before: Option<Moment>,
    limit: u32,
}

impl Request {
    /// Reads a query string.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the first field that is not acceptable.
    pub fn read(query: &AuditQuery) -> Result<Self> {
        let limit = query.limit.unwrap_or(DEFAULT_PAGE_LIMIT);
        if !(1..=MAX_PAGE_LIMIT).contains(&limit) {
            return Err(Error::invalid("limit", format!("limit is 1 to {MAX_PAGE_LIMIT}")));
        }
        for (field, text) in [("actor", &query.actor), ("subject", &query.subject)] {
            if text.as_deref().is_some_and(|text| !is_id(text)) {
                return Err(Error::invalid(
                    field,
                    format!("{field} is an id, as entries name it"),
                ));
            }
        }
        let actions = match query.action.as_deref() {
            None => Vec::new(),
            Some(name) => Some(Action::meant_by(name))
                .filter(|actions| !actions.is_empty())
                .ok_or_else(|| {
                    Error::invalid(
                        "action",
                        "action is the name of one (device.approved), or of a family (device.)",
                    )
                })?,
        };
        let all = AuditFilter::default();
        Ok(Self {
            filter: AuditFilter {
                actions,
                actor: query.actor.clone(),
                subject: query.subject.clone(),
                since: query.since.unwrap_or(all.since),
                until: query.until.unwrap_or(all.until),
            },
            before: query.after.as_deref().map(read_place).transpose()?,
            limit,
        })
    }

    /// The same entries in pages of this many: for exports, which need no small ones.
    #[must_use]
    pub fn in_pages_of(self, limit: u32) -> Self {
        Self { limit, ..self }
    }

    /// The request for what is behind this place.
    #[must_use]
    pub fn behind(&self, before: Moment) -> Self {
        Self {
            before: Some(before),
            ..self.clone()
        }
    }

    /// One page of the records of `organisations`, and the place of its last entry when more follow.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fetch(
        &self,
        conn: &mut Conn<'_>,
        visible: &Visible,
        organisations: &[OrganisationId],
    ) -> Result<(Vec<AuditEntry>, Option<Moment>), DbError> {
        // One more than a page holds tells whether another follows.
        let before = self.before.as_ref();
        let mut found = audit::newest(conn, organisations, &self.filter, before, self.limit + 1).await?;
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(Placed::moment);
        let entries = present(conn, visible, found).await?;
        Ok((entries.into_iter().map(|(entry, _)| entry).collect(), next))
    }
}

/// Whether a text has the form of what entries name: an id, a digest, a UUID or an address.
fn is_id(text: &str) -> bool {
    const MAX_LEN: usize = 64;
    (1..=MAX_LEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn write_place(Moment { at, seq, chain }: &Moment) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}.{seq}.{chain}", at.0))
}

fn read_place(after: &str) -> Result<Moment> {
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(after).ok()?).ok()?;
        let mut parts = text.splitn(3, '.');
        let (at, seq) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let chain: OrganisationId = parts.next()?.parse().ok()?;
        Some(Moment {
            at: UnixMillis(at),
            seq,
            chain: chain.to_string(),
        })
    };
    read().ok_or_else(|| Error::invalid("after", "after is what the page before gave as its next"))
}

/// Where the caller sees names.
#[derive(Clone, Debug)]
pub struct Visible(HashSet<OrganisationId>);

impl Visible {
    /// Every organisation whose devices and members the caller may see.
    ///
    /// # Errors
    /// What the database says.
    pub async fn to(caller: &Caller, db: &Db) -> Result<Self> {
        Ok(Self(caller.reach_of_fleets(db).await?.into_iter().collect()))
    }
}

/// The organisations whose records are asked for: one that the caller administers, and those below it unless it is wanted alone.
///
/// # Errors
/// As [`Caller::require`].
pub async fn chosen(
    db: &Db,
    caller: &Caller,
    organisation: &OrganisationId,
    alone: bool,
) -> Result<Vec<OrganisationId>> {
    caller.require(db, organisation, Right::ReadAudit).await?;
    if alone {
        return Ok(vec![organisation.clone()]);
    }
    Ok(tree::subtree(&mut db.reader().await?.conn(), organisation).await?)
}

/// A page of the record of an organisation.
///
/// # Errors
/// As [`chosen`]; [`Error::Invalid`] for a filter that is none.
pub async fn page(
    db: &Db,
    caller: &Caller,
    organisation: &OrganisationId,
    query: &AuditQuery,
) -> Result<Page<AuditEntry>> {
    let organisations = chosen(db, caller, organisation, query.alone).await?;
    let request = Request::read(query)?;
    let visible = Visible::to(caller, db).await?;
    let mut reader = db.reader().await?;
    let (items, next) = request
        .fetch(&mut reader.conn(), &visible, &organisations)
        .await?;
    Ok(Page::new(items, next.as_ref().map(write_place)))
}

/// An entry of an organisation's own record in full.
///
/// # Errors
/// As [`Caller::require`]; [`Error::NotFound`] when there is no such entry.
pub async fn detail(
    db: &Db,
    caller: &Caller,
    organisation: &OrganisationId,
    seq: u64,
) -> Result<AuditDetail> {
    caller.require(db, organisation, Right::ReadAudit).await?;
    let visible = Visible::to(caller, db).await?;
    let before = seq.checked_sub(1).ok_or(Error::NotFound)?;
    let mut reader = db.reader().await?;
    let conn = &mut reader.conn();
    let of_chain = |found: Vec<audit::Recorded>, seq| found.into_iter().find(|entry| entry.seq == seq);
    let previous_hash = match before.checked_sub(1) {
        None => GENESIS,
        Some(place) => {
            let found = audit::following(conn, organisation.as_str(), place, 1).await?;
            of_chain(found, before).ok_or(Error::NotFound)?.hash
        }
    };
    let found = audit::following(conn, organisation.as_str(), before, 1).await?;
    let placed = Placed {
        organisation: organisation.clone(),
        entry: of_chain(found, seq).ok_or(Error::NotFound)?,
    };
    let shown = present(conn, &visible, vec![placed]).await?;
    let (entry, assertion) = shown.into_iter().next().ok_or(Error::NotFound)?;
    Ok(AuditDetail {
        entry,
        previous_hash,
        assertion: assertion.and_then(|text| Verbatim::from_text(text).ok()),
    })
}

/// Entries with names and confirmations, each beside the assertion that confirmed it.
async fn present(
    conn: &mut Conn<'_>,
    visible: &Visible,
    found: Vec<Placed>,
) -> Result<Vec<(AuditEntry, Option<String>)>, DbError> {
    let names = names(conn, visible, &found).await?;
    let mut grounds = grounds(conn, &found).await?;
    Ok(found
        .into_iter()
        .map(|Placed { organisation, entry }| {
            // Other things happen to a device at the same instant: its approval alone is what was confirmed.
            let ground = (entry.action == DeviceAction::Approved.as_str())
                .then(|| grounds.remove(&(entry.subject.clone(), entry.at)))
                .flatten();
            let (confirmed_by, assertion) = ground.unzip();
            let entry = AuditEntry {
                organisation,
                seq: entry.seq,
                at: entry.at,
                actor: actor(entry.actor, entry.actor_name),
                action: entry.action,
                subject: AuditSubject {
                    name: names.get(&entry.subject).cloned(),
                    id: entry.subject,
                },
                detail: entry.detail,
                confirmed_by,
                hash: entry.hash,
            };
            (entry, assertion.flatten())
        })
        .collect())
}

fn actor(id: String, name: Option<String>) -> AuditActor {
    let kind = if id.starts_with(AccountId::PREFIX) {
        AuditActorKind::Account
    } else if id.starts_with(TokenId::PREFIX) {
        AuditActorKind::Token
    } else if id.starts_with(PermitId::PREFIX) {
        AuditActorKind::Permit
    } else if id.starts_with(DeviceId::PREFIX) {
        AuditActorKind::Device
    } else {
        AuditActorKind::Server
    };
    AuditActor {
        id: (kind != AuditActorKind::Server).then_some(id),
        kind,
        name,
    }
}

/// The subjects of these entries that begin like this, each once.
fn subjects<'a>(found: &'a [Placed], prefix: &str) -> Vec<&'a str> {
    let all = found.iter().map(|placed| placed.entry.subject.as_str());
    let of_kind: BTreeSet<&str> = all.filter(|subject| subject.starts_with(prefix)).collect();
    of_kind.into_iter().collect()
}

/// What the entries speak of, as the caller may see it.
async fn names(
    conn: &mut Conn<'_>,
    visible: &Visible,
    found: &[Placed],
) -> Result<HashMap<String, String>, DbError> {
    let mut known: Vec<Named> = Vec::new();
    let ids = subjects(found, DeviceId::PREFIX);
    if !ids.is_empty() {
        known.extend(audit::devices_named(conn, &ids).await?);
    }
    let ids = subjects(found, AccountId::PREFIX);
    if !ids.is_empty() {
        known.extend(audit::members_named(conn, &ids).await?);
    }
    let ids = subjects(found, SignerId::PREFIX);
    if !ids.is_empty() {
        known.extend(audit::signers_named(conn, &ids).await?);
    }
    let ids = subjects(found, OrganisationId::PREFIX);
    if !ids.is_empty() {
        known.extend(audit::organisations_named(conn, &ids).await?);
    }
    Ok(known
        .into_iter()
        .filter(|named| visible.0.contains(&named.organisation))
        .map(|named| (named.id, named.name))
        .collect())
}

/// By device and instant, what confirmed its approval, and the assertion where it is one.
type Grounds = HashMap<(String, UnixMillis), (Confirmation, Option<String>)>;

/// What of an assertion tells which passkey it is of, and whether its owner was verified.
#[derive(Deserialize)]
struct Assertion {
    #[serde(default)]
    id: String,
    #[serde(default, rename = "authenticatorData")]
    authenticator_data: Option<String>,
    /// It is of no passkey: an identity provider vouched.
    #[serde(default)]
    provider: Option<String>,
}

impl Assertion {
    fn user_verified(&self) -> Option<bool> {
        let data = URL_SAFE_NO_PAD.decode(self.authenticator_data.as_ref()?).ok()?;
        Some(data.get(FLAGS_AT)? & USER_VERIFIED != 0)
    }
}

async fn grounds(conn: &mut Conn<'_>, found: &[Placed]) -> Result<Grounds, DbError> {
    let approved: BTreeSet<&str> = found
        .iter()
        .map(|placed| &placed.entry)
        .filter(|entry| entry.action == DeviceAction::Approved.as_str())
        .map(|entry| entry.subject.as_str())
        .collect();
    if approved.is_empty() {
        return Ok(Grounds::new());
    }
    let kept = audit::grounds(conn, &approved.into_iter().collect::<Vec<_>>()).await?;
    let assertions: Vec<Option<Assertion>> = kept
        .iter()
        .map(|ground| serde_json::from_str(&ground.proof).ok())
        .collect();
    let used: BTreeSet<&str> = assertions
        .iter()
        .flatten()
        .map(|assertion| assertion.id.as_str())
        .collect();
    let passkeys = audit::passkeys_named(conn, &used.into_iter().collect::<Vec<_>>()).await?;
    let passkeys: HashMap<String, String> = passkeys.into_iter().collect();
    let mut grounds = Grounds::new();
    for (ground, assertion) in kept.into_iter().zip(assertions) {
        let confirmed = match assertion {
            Some(assertion) if assertion.provider.is_some() => continue,
            Some(assertion) => (
                Confirmation::Passkey {
                    name: passkeys.get(&assertion.id).cloned(),
                    user_verified: assertion.user_verified(),
                },
                Some(ground.proof),
            ),
            None if ground.proof.starts_with(TokenId::PREFIX) => {
                (Confirmation::Token { id: ground.proof }, None)
            }
            None => continue,
        };
        grounds.insert((ground.device.to_string(), ground.at), confirmed);
    }
    Ok(grounds)
}
