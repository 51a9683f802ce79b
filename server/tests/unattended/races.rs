//! Many at once: no permit lets in one too many, whatever happens at the same moment.

use futures_util::future;
use gangway_protocol::permit::{PermitKind, PermitMode, PermitRequest};

use super::applicant::{Applicant, Became};
use super::{Works, request};
use crate::support::both_engines;

both_engines!(
    /// Threat model: PRE-6.
    async fn a_secret_that_is_used_by_many_at_once_lets_in_one(server: Server) {
        let works = Works::new(&server).await;
        let secret = works.preapprove("thermometer-7", "1").await;
        let spawned = server.spawn();
        let devices: Vec<Applicant> = (0..12)
            .map(|number| Applicant::new(&format!("d{number}")))
            .collect();
        let became = future::join_all(devices.iter().map(|device| device.ask(&spawned, &secret))).await;
        let joined = became
            .iter()
            .filter(|one| matches!(one, Became::Joined(_)))
            .count();
        assert_eq!(joined, 1, "{became:?}");
        assert_eq!(server.states().await, ["enrolling"]);
    }
);

both_engines!(
    /// Threat model: PRE-6.
    async fn a_key_for_so_many_lets_in_so_many_and_no_more(server: Server) {
        let works = Works::new(&server).await;
        let (_, key) = works
            .make(&PermitRequest {
                max_uses: Some(25),
                ..request(PermitMode::Auto)
            })
            .await;
        let spawned = server.spawn();
        let devices: Vec<Applicant> = (0..60)
            .map(|number| Applicant::new(&format!("d{number}")))
            .collect();
        let became = future::join_all(devices.iter().map(|device| device.ask(&spawned, &key))).await;
        let joined = became
            .iter()
            .filter(|one| matches!(one, Became::Joined(_)))
            .count();
        assert_eq!(joined, 25);
        assert_eq!(works.permits(PermitKind::RegistrationKey).await[0].uses, 25);
        assert_eq!(server.states().await.len(), 25);
    }
);

both_engines!(
    /// Threat model: PRE-6. What had come before it was taken back is whole, and nothing came after.
    async fn a_key_that_is_taken_back_while_devices_come_lets_in_none_after_that(server: Server) {
        let works = Works::new(&server).await;
        let (permit, key) = works.key(PermitMode::Auto).await;
        let spawned = server.spawn();
        let devices: Vec<Applicant> = (0..30)
            .map(|number| Applicant::new(&format!("d{number}")))
            .collect();
        let coming = future::join_all(devices.iter().map(|device| device.ask(&spawned, &key)));
        let (became, revoked) =
            future::join(coming, works.ada.api.revoke_permit(&works.home, &permit.id)).await;
        revoked.expect("it is taken back");
        let joined = became
            .iter()
            .filter(|one| matches!(one, Became::Joined(_)))
            .count();
        assert_eq!(server.states().await.len(), joined);
        assert_ne!(Applicant::new("late").ask(&spawned, &key).await, Became::Waits(0));
        assert_eq!(server.states().await.len(), joined);
    }
);

both_engines!(
    async fn a_restart_in_between_loses_nothing(server: Server) {
        let works = Works::new(&server).await;
        let (_, key) = works.key(PermitMode::Lobby).await;
        let device = Applicant::new("thermometer-7");
        assert_eq!(device.ask(&server.spawn(), &key).await, Became::Waits(30));
        let id = works.ada.fleet().await[0].id.clone();
        works
            .ada
            .api
            .settle_device(&id, true)
            .await
            .expect("it is let in");
        let server = server.restart().await;
        assert!(matches!(
            device.ask(&server.spawn(), &key).await,
            Became::Joined(_)
        ));
    }
);
