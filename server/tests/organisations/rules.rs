//! What holds below an organisation: its rules, which can only be tightened there, and its signers.

use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::{PolicyUpdate, Role};
use gangway_protocol::page::PageQuery;
use gangway_protocol::signer::SignerUpdate;

use super::{below, made, problem};
use crate::support::both_engines;
use crate::support::device::SoftDevice;

fn days(days: u32) -> PolicyUpdate {
    PolicyUpdate {
        certificate_validity_days: Some(days),
        ..PolicyUpdate::default()
    }
}

both_engines!(
    /// Threat model: ACC-16.
    async fn rules_are_tightened_below_and_follow_what_is_above(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let hall = made(&ada, &home, "Hall").await;
        let closet = made(&ada, &hall, "Closet").await;
        let valid = async |id| {
            let detail = ada.api.policy(id).await.expect("the rules");
            (
                detail.policy.certificate_validity_days,
                detail.own.certificate_validity_days,
            )
        };
        assert_eq!(valid(&closet).await, (90, None));
        let looser = ada.api.change_policy(&hall, &days(91)).await;
        assert_eq!(problem(looser), ProblemCode::Invalid);
        let unnamed = PolicyUpdate {
            superseded_in_crl: Some(false),
            ..PolicyUpdate::default()
        };
        assert_eq!(
            problem(ada.api.change_policy(&hall, &unnamed).await),
            ProblemCode::Invalid
        );

        ada.api.change_policy(&hall, &days(30)).await.expect("tighter");
        assert_eq!(valid(&hall).await, (30, Some(30)));
        assert_eq!(valid(&closet).await, (30, None));
        ada.api
            .change_policy(&closet, &days(20))
            .await
            .expect("tighter still");
        ada.api.change_policy(&home, &days(10)).await.expect("above all");
        assert_eq!(
            valid(&hall).await,
            (10, Some(30)),
            "what is set here waits for looser times"
        );
        assert_eq!(valid(&closet).await, (10, Some(20)));
        ada.api
            .change_policy(&home, &days(60))
            .await
            .expect("looser again");
        assert_eq!(valid(&closet).await, (20, Some(20)));
        ada.api.change_policy(&hall, &days(60)).await.expect("as above");
        assert_eq!(valid(&hall).await, (60, None), "it comes from above again");

        let strict = made(&ada, &home, "Strict").await;
        ada.api.change_policy(&strict, &days(5)).await.expect("tighter");
        ada.api
            .change_organisation(&hall, &below(&strict))
            .await
            .expect("it is moved");
        assert_eq!(valid(&closet).await, (5, Some(20)));
        let (device, certificate) = SoftDevice::in_fleet(&server, &server.at(&ada, &closet)).await;
        assert_eq!(
            certificate.not_after.since(certificate.not_before) / 86_400_000,
            5
        );
        assert!(device.pass(&server, &certificate.chain).await.is_ok());
        let above = ada.api.policy(&closet).await.expect("the rules").above;
        assert_eq!(above.expect("it is below one").certificate_validity_days, 5);
    }
);

both_engines!(
    /// Threat model: ACC-16.
    async fn signers_serve_below_and_are_changed_where_they_are(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let hall = made(&ada, &home, "Hall").await;
        let ben = server.member(&hall, Role::Admin, "Ben").await;
        let usable = ben
            .api
            .signers(&hall, &PageQuery::default())
            .await
            .expect("signers");
        let [signer] = usable.items.as_slice() else {
            panic!("one signer, not {usable:?}");
        };
        assert!(signer.inherited);
        let (device, certificate) = SoftDevice::in_fleet(&server, &ben).await;
        assert_eq!(
            (&certificate.organisation, &certificate.signer),
            (&hall, &signer.id)
        );
        assert!(
            certificate.subject.contains(home.as_str()),
            "the certificate names the customer: {}",
            certificate.subject
        );
        device
            .renew(&server, &certificate.chain, &crate::support::csr::key())
            .await
            .expect("a renewal");
        let rename = SignerUpdate {
            name: Some("Mine".to_owned()),
            ..SignerUpdate::default()
        };
        for place in [&hall, &home] {
            let refused = ben.api.change_signer(place, &signer.id, &rename).await;
            assert_eq!(problem(refused), ProblemCode::NotFound);
        }
        let foreign = server.organisation("Elsewhere").await;
        let eve = server.member(&foreign, Role::Admin, "Eve").await;
        let mut request = eve.approval_request(&SoftDevice::new().csr()).await;
        request.signer = signer.id.clone();
        let refused = eve.api.approve(&server.claim(&eve), &request).await;
        assert_eq!(
            problem(refused),
            ProblemCode::Invalid,
            "a signer of another customer"
        );
    }
);
