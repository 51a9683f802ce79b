//! The record as CSV (RFC 4180) and as lines of JSON, written while it is sent: one organisation after the other, so that each entry
//! is read once, however many there are.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt as _};
use gangway_protocol::audit::{AuditEntry, AuditQuery, Confirmation};
use gangway_protocol::id::OrganisationId;
use gangway_protocol::path;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::request::{PathId, QueryOf};
use super::super::spreadsheet::inert;
use crate::audit::reading::{self, Request, Visible};
use crate::authority::{Caller, Error, Result, Right, identify};
use crate::state::Gangway;

/// Entries that are read at a time: some 300 KB of text, and one reader is busy for some milliseconds only.
const CHUNK: u32 = 1_000;
const HEADER: [&str; 12] = [
    "organisation",
    "seq",
    "at",
    "actor_kind",
    "actor",
    "actor_name",
    "action",
    "subject",
    "subject_name",
    "detail",
    "confirmed_by",
    "hash",
];

pub(super) fn router() -> OpenApiRouter<Arc<Gangway>> {
    OpenApiRouter::new()
        .routes(routes!(export_csv))
        .routes(routes!(export_json))
}

/// The record as CSV: the entries of the list, all pages in one, each organisation's by themselves. Instants are unix milliseconds.
#[utoipa::path(get, path = path::AUDIT_CSV, tag = "audit", params(("id" = OrganisationId, Path), AuditQuery),
    responses((status = 200, content_type = "text/csv", body = String), (status = 403), (status = 404), (status = 422)))]
async fn export_csv(
    state: State<Arc<Gangway>>,
    caller: Caller,
    path: PathId<OrganisationId>,
    query: QueryOf<AuditQuery>,
) -> Result<Response> {
    export(state, caller, path, query, Form::Csv).await
}

/// The same as lines of JSON, each an entry as the list gives it.
#[utoipa::path(get, path = path::AUDIT_JSONL, tag = "audit", params(("id" = OrganisationId, Path), AuditQuery),
    responses((status = 200, content_type = "application/jsonl", body = String), (status = 403), (status = 404), (status = 422)))]
async fn export_json(
    state: State<Arc<Gangway>>,
    caller: Caller,
    path: PathId<OrganisationId>,
    query: QueryOf<AuditQuery>,
) -> Result<Response> {
    export(state, caller, path, query, Form::Json).await
}

#[derive(Clone, Copy)]
enum Form {
    Csv,
    Json,
}

async fn export(
    State(gangway): State<Arc<Gangway>>,
    caller: Caller,
    PathId(asked): PathId<OrganisationId>,
    QueryOf(query): QueryOf<AuditQuery>,
    form: Form,
) -> Result<Response> {
    let organisations = reading::chosen(&gangway.db, &caller, &asked, query.alone).await?;
    let request = Request::read(&query)?.in_pages_of(CHUNK);
    let mut rows = Rows {
        form,
        next: request.clone(),
        request,
        left: organisations.into(),
        gangway,
        caller,
    };
    // What fails at once is a problem with its status. Once the answer has begun, only its end can tell of a failure.
    let first = rows.chunk(true).await?;
    let rest = stream::unfold(rows, |mut rows| async move {
        rows.left.front()?;
        // An error ends the connection before the last chunk: the reader sees that the file is cut off.
        let chunk = rows.chunk(false).await;
        if chunk.is_err() {
            rows.left.clear();
        }
        Some((chunk, rows))
    });
    let body = stream::once(async { Ok(first) }).chain(rest);
    let (kind, name) = match form {
        Form::Csv => ("text/csv; charset=utf-8; header=present", "audit.csv"),
        Form::Json => ("application/jsonl", "audit.jsonl"),
    };
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

struct Rows {
    gangway: Arc<Gangway>,
    caller: Caller,
    form: Form,
    /// The request with which each organisation begins.
    request: Request,
    /// The one for the first of those that are left.
    next: Request,
    left: VecDeque<OrganisationId>,
}

impl Rows {
    /// The next entries, as many as one reading gives, behind the header where the file begins.
    async fn chunk(&mut self, begins: bool) -> Result<Vec<u8>> {
        let mut entries = Vec::new();
        // Organisations without an entry that matches are passed over, so that no chunk but the first is empty.
        while entries.is_empty()
            && let Some(organisation) = self.left.front().cloned()
        {
            self.require_right(&organisation).await?;
            let db = &self.gangway.db;
            let visible = Visible::to(&self.caller, db).await?;
            let mut reader = db.reader().await?;
            let (found, place) = self
                .next
                .fetch(&mut reader.conn(), &visible, &[organisation])
                .await?;
            entries = found;
            if let Some(place) = place {
                self.next = self.request.behind(place);
            } else {
                self.left.pop_front();
                self.next = self.request.clone();
            }
        }
        written(self.form, begins, &entries)
    }

    /// A slow reader takes a while: what they may not read any more is not written.
    async fn require_right(&self, organisation: &OrganisationId) -> Result<()> {
        let (db, now) = (&self.gangway.db, self.gangway.clock.now());
        if !identify::still_holds(db, now, &self.caller.credential).await? {
            return Err(Error::Unauthenticated);
        }
        self.caller.require(db, organisation, Right::ReadAudit).await?;
        Ok(())
    }
}

fn written(form: Form, begins: bool, entries: &[AuditEntry]) -> Result<Vec<u8>> {
    match form {
        Form::Csv => {
            let mut text = csv::WriterBuilder::new()
                .terminator(csv::Terminator::CRLF)
                .from_writer(Vec::new());
            if begins {
                text.write_record(HEADER).map_err(Error::internal)?;
            }
            for entry in entries {
                text.write_record(row(entry)).map_err(Error::internal)?;
            }
            text.into_inner()
                .map_err(|error| Error::internal(error.into_error()))
        }
        Form::Json => {
            let mut text = Vec::new();
            for entry in entries {
                serde_json::to_writer(&mut text, entry).map_err(Error::internal)?;
                text.push(b'\n');
            }
            Ok(text)
        }
    }
}

fn row(entry: &AuditEntry) -> [String; 12] {
    let text = |text: &Option<String>| inert(text.as_deref().unwrap_or_default());
    let confirmed_by = match &entry.confirmed_by {
        None => String::new(),
        Some(Confirmation::Passkey { name, .. }) => inert(name.as_deref().unwrap_or("passkey")),
        Some(Confirmation::Token { id }) => inert(id),
    };
    [
        entry.organisation.to_string(),
        entry.seq.to_string(),
        entry.at.0.to_string(),
        entry.actor.kind.as_str().to_owned(),
        text(&entry.actor.id),
        text(&entry.actor.name),
        inert(&entry.action),
        inert(&entry.subject.id),
        text(&entry.subject.name),
        inert(&entry.detail),
        confirmed_by,
        entry.hash.to_string(),
    ]
}
