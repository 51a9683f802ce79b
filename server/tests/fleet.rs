//! The fleet as members and their programs see it: the list, the export, the changes.

mod bulk;
mod changes;
mod export;
mod finding;
mod list;
mod overview;
mod second_person;
mod views;

use gangway_protocol::certificate::ApprovalRequest;
use gangway_protocol::device::{Device, DeviceQuery};

use crate::support::Server;
use crate::support::csr;
use crate::support::member::Member;

pub(crate) use export::read_csv;

/// A device that `member` has approved, a second after the last one.
pub(crate) async fn approved(
    server: &Server,
    member: &Member,
    change: impl FnOnce(&mut ApprovalRequest),
) -> Device {
    server.clock.advance(1_000);
    let mut request = member.approval_request(&csr::csr(&csr::key())).await;
    change(&mut request);
    let approval = member
        .api
        .approve(&server.claim(member), &request)
        .await
        .expect("an approval");
    let shown = member.api.device(&approval.device.id).await;
    shown.expect("who approved a device may see it").device
}

/// The same with nothing but a name.
pub(crate) async fn named(server: &Server, member: &Member, name: &str) -> Device {
    approved(server, member, |request| request.name = Some(name.to_owned())).await
}

/// A query with something in it.
fn query(change: impl FnOnce(&mut DeviceQuery)) -> DeviceQuery {
    let mut query = DeviceQuery::default();
    change(&mut query);
    query
}
