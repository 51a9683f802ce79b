//! The fleet at a glance: what is counted, of whom, and the hourly count of who is online.

use gangway_protocol::certificate::{RevocationReason, RevocationRequest};
use gangway_protocol::organisation::Role;
use gangway_protocol::overview::{FleetOverview, OverviewQuery};
use gangway_protocol::time::UnixMillis;

use super::approved;
use crate::support::both_engines;
use crate::support::device::SoftDevice;
use crate::support::member::Member;

async fn overview(member: &Member) -> FleetOverview {
    let all = OverviewQuery::default();
    member.api.fleet_overview(&all).await.expect("an overview")
}

fn count<'a>(
    counts: impl IntoIterator<Item = &'a gangway_protocol::overview::NamedCount>,
    name: &str,
) -> u64 {
    counts
        .into_iter()
        .find(|count| count.name == name)
        .map_or(0, |count| count.devices)
}

both_engines!(
    async fn what_one_may_see_is_counted_and_nothing_else(server: Server) {
        let home = server.organisation("Works").await;
        let [household, _] = server.grow_tree(&home).await;
        let owner = server.member(&home, Role::Owner, "Grace").await;
        let ada = server.member(&household, Role::Operator, "Ada").await;
        let (_, active) = SoftDevice::in_fleet(&server, &owner).await;
        let (_, out) = SoftDevice::in_fleet(&server, &owner).await;
        approved(&server, &server.at(&ada, &household), |request| {
            request.facts.software_version = "2.0".to_owned();
        })
        .await;
        let compromised = RevocationRequest {
            reason: RevocationReason::KeyCompromise,
        };
        owner
            .api
            .revoke_device(&out.device, &compromised)
            .await
            .expect("revoked");

        let seen = overview(&owner).await;
        assert_eq!((seen.devices, seen.online), (2, 0));
        let states = ["active", "enrolling", "retired"].map(|state| count(&seen.states, state));
        assert_eq!(states, [1, 1, 1]);
        assert_eq!(count(&seen.versions, "2.0"), 1);
        assert_eq!(seen.versions.iter().map(|one| one.devices).sum::<u64>(), 2);
        assert_eq!(
            seen.signers
                .iter()
                .map(|one| (one.id.clone(), one.devices))
                .collect::<Vec<_>>(),
            [(active.signer.clone(), 1)]
        );
        assert_eq!((seen.expired, seen.expiring.iter().sum::<u64>()), (0, 1));
        assert_eq!(seen.expiring[12], 1, "in ninety days");
        let funnel = seen.enrolments;
        assert_eq!(
            (funnel.approved, funnel.issued, funnel.delivered, funnel.proven),
            (3, 2, 2, 2)
        );

        let part = overview(&ada).await;
        assert_eq!((part.devices, count(&part.states, "enrolling")), (1, 1));
        assert!(part.signers.is_empty());
        assert_eq!(part.enrolments.approved, 1);
        let foreign = OverviewQuery {
            organisation: Some(home),
        };
        ada.api.fleet_overview(&foreign).await.expect_err("above them");
    }
);

both_engines!(
    async fn who_is_online_is_counted_once_an_hour_and_kept_for_two_weeks(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        SoftDevice::in_fleet(&server, &ada).await;
        for _ in 0..3 {
            server.tick().await;
            server.clock.advance(UnixMillis::MINUTE);
        }
        let samples = overview(&ada).await.presence;
        assert_eq!(samples.len(), 1, "{samples:?}");
        assert_eq!((samples[0].devices, samples[0].online), (1, 0));
        server.clock.advance(UnixMillis::HOUR);
        server.tick().await;
        assert_eq!(overview(&ada).await.presence.len(), 2);
        server.clock.advance(15 * UnixMillis::DAY);
        server.tick().await;
        let ada = server.refresh(&ada).await;
        assert_eq!(overview(&ada).await.presence.len(), 1);
        let kept = server
            .text("SELECT CAST(COUNT(*) AS TEXT) FROM presence_samples")
            .await;
        assert_eq!(kept, "1");
    }
);
