//! What stands: listed as plgd streams it, and deleted.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use futures_util::stream::{self, StreamExt as _};
use gangway_protocol::id::OrganisationId;
use gangway_protocol::time::UnixMillis;
use http::request::Parts;
use serde_json::{Value, json};

use super::shape::Shape;
use super::status::Status;
use super::{Place, caller_of, organisation_of, target_of};
use crate::authority::{Caller, Result};
use crate::db::plgd::{Filter, PlgdRecord};
use crate::plgd::records;
use crate::state::Gangway;

/// Records that are read at a time: half a megabyte of text, and one reader is busy for some milliseconds only.
const CHUNK: i64 = 200;
/// What stands behind each element of a stream. plgd's user interfaces split at empty lines.
const SEPARATOR: &str = "\n\n";

const LISTING: &str = "cannot get signing records";
const DELETING: &str = "cannot delete signing records";

/// The records that a filter names, one after the other.
pub(super) async fn list_records(
    State(gangway): State<Arc<Gangway>>,
    place: Place,
    request: Parts,
) -> Response {
    let shape = Shape::of(&request.headers);
    let (caller, organisation) = match who_and_where(&gangway, place, &request, LISTING).await {
        Ok(found) => found,
        Err(status) => return status.answer(shape),
    };
    let mut listing = Listing {
        filter: filter_of(request.uri.query()),
        gangway,
        caller,
        organisation,
        shape,
        after: Some(String::new()),
    };
    // What fails at once is a refusal with its status; later it is the last element of the stream.
    let first = match listing.chunk().await {
        Ok(first) => first,
        Err(error) => return Status::of(&error, Some(LISTING)).answer(shape),
    };
    let rest = stream::unfold(listing, |mut listing| async move {
        listing.after.as_ref()?;
        let text = listing.chunk().await.unwrap_or_else(|error| {
            let status = Status::of(&error, Some(LISTING)).value(listing.shape);
            format!("{}{SEPARATOR}", json!({ "error": status }))
        });
        Some((text, listing))
    });
    let body = stream::once(async { first }).chain(rest);
    shape.answer_with(Body::from_stream(body.map(Ok::<_, std::convert::Infallible>)))
}

/// Revokes and forgets what a filter names.
pub(super) async fn delete_records(
    State(gangway): State<Arc<Gangway>>,
    place: Place,
    request: Parts,
) -> Response {
    let shape = Shape::of(&request.headers);
    let (caller, organisation) = match who_and_where(&gangway, place, &request, DELETING).await {
        Ok(found) => found,
        Err(status) => return status.answer(shape),
    };
    // plgd knows no deletion by common name.
    let filter = Filter {
        common_names: Vec::new(),
        ..filter_of(request.uri.query())
    };
    match records::delete(&gangway, &caller, &organisation, filter).await {
        Ok(count) => shape.answer(json!({ "count": count.to_string() })),
        Err(error) => Status::of(&error, Some(DELETING)).answer(shape),
    }
}

async fn who_and_where(
    gangway: &Gangway,
    place: Place,
    request: &Parts,
    doing: &str,
) -> std::result::Result<(Caller, OrganisationId), Status> {
    let caller = caller_of(gangway, request)
        .await
        .map_err(|error| Status::of_caller(&error, &target_of(&place, request), doing))?;
    let organisation = organisation_of(place).map_err(|error| Status::of(&error, Some(doing)))?;
    Ok((caller, organisation))
}

/// Keys are read in whatever case, and as protobuf spells them too; an empty value is none.
fn filter_of(query: Option<&str>) -> Filter {
    let mut filter = Filter::default();
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if value.is_empty() {
            continue;
        }
        match key.to_ascii_lowercase().as_str() {
            "idfilter" | "id_filter" => filter.records.push(value.to_ascii_lowercase()),
            "deviceidfilter" | "device_id_filter" => filter.devices.push(value.to_ascii_lowercase()),
            "commonnamefilter" | "common_name_filter" => filter.common_names.push(value.into_owned()),
            _ => {}
        }
    }
    filter
}

struct Listing {
    gangway: Arc<Gangway>,
    caller: Caller,
    organisation: OrganisationId,
    filter: Filter,
    shape: Shape,
    /// Behind which record the next chunk begins; `None` after the last one, and after an error.
    after: Option<String>,
}

impl Listing {
    async fn chunk(&mut self) -> Result<String> {
        let Some(after) = self.after.take() else {
            return Ok(String::new());
        };
        let asked = (after.as_str(), CHUNK);
        let found = records::page(
            &self.gangway,
            &self.caller,
            &self.organisation,
            &self.filter,
            asked,
        )
        .await?;
        let is_full = i64::try_from(found.len()).is_ok_and(|len| len >= CHUNK);
        self.after = found
            .last()
            .filter(|_| is_full)
            .map(|last| last.record.to_string());
        let elements = found.iter().map(|record| {
            let result = self.shape.shaped(self.message(record));
            format!("{}{SEPARATOR}", json!({ "result": result }))
        });
        Ok(elements.collect())
    }

    /// `SigningRecord`.
    fn message(&self, record: &PlgdRecord) -> Value {
        let ca = &self.gangway.ca;
        let issuer = ca.issuer_uuid(&record.issuer).map(|uuid| uuid.to_string());
        let chain = ca.chain_to_root(&record.issuer, &record.leaf);
        json!({
            "id": record.record.to_string(),
            "owner": crate::db::accounts::owner_uuid(&record.account).to_string(),
            "commonName": record.common_name,
            "deviceId": record.device_id.map(|id| id.to_string()).unwrap_or_default(),
            "publicKey": record.public_key.to_string(),
            "creationDate": nanoseconds(record.created_at),
            "credential": {
                "date": nanoseconds(record.issued_at),
                "certificatePem": chain.unwrap_or_default(),
                "validUntilDate": nanoseconds(record.not_after),
                "serial": decimal(&record.serial),
                "issuerId": issuer.unwrap_or_default(),
            },
        })
    }
}

/// 64-bit numbers are texts in protobuf's JSON.
pub(super) fn nanoseconds(at: UnixMillis) -> String {
    at.0.saturating_mul(1_000_000).to_string()
}

/// A serial number in decimal. Ours have 16 bytes.
fn decimal(hex: &str) -> String {
    u128::from_str_radix(hex, 16).map_or_else(|_| hex.to_owned(), |serial| serial.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_in_whatever_case_and_repeated() {
        let filter = filter_of(Some(
            "IDFILTER=A&idFilter=b&deviceidfilter=C&commonNameFilter=uuid%3aX&idFilter=&other=1",
        ));
        assert_eq!(filter.records, ["a", "b"]);
        assert_eq!(filter.devices, ["c"]);
        assert_eq!(filter.common_names, ["uuid:X"]);
        assert!(filter_of(Some("idFilter=&nonsense=1")).is_empty());
        assert!(filter_of(None).is_empty());
    }

    #[test]
    fn numbers_are_written_as_protobuf_writes_them() {
        assert_eq!(decimal("0f"), "15");
        assert_eq!(
            decimal("7fffffffffffffffffffffffffffffff"),
            "170141183460469231731687303715884105727"
        );
        assert_eq!(nanoseconds(UnixMillis(1_800_000_000_000)), "1800000000000000000");
    }
}
