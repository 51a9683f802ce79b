//! What is signed for plgd is no device of a fleet.

use gangway_protocol::certificate::CertificateQuery;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use http::StatusCode;

use super::{PUMP, own_name, pem_of, speaking_plgd};
use crate::support::device::SoftDevice;

speaking_plgd!(
    /// Threat model: ENR-30.
    async fn what_is_signed_for_plgd_opens_no_session_and_joins_no_fleet(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        for name in [PUMP.to_owned(), own_name(&ada)] {
            let device = SoftDevice::new();
            let reply = server.identify(&ada, &device.key, &name).await;
            assert_eq!(reply.status, StatusCode::OK);
            let chain = pem_of(&reply);
            assert_eq!(
                device.refusal(&server, &chain).await,
                ProblemCode::CertificateUnknown
            );
        }
        assert!(ada.fleet().await.is_empty());
        let listed = ada.api.certificates(&CertificateQuery::default()).await;
        assert!(listed.expect("a page").items.is_empty());
        let held = server
            .text("SELECT CAST(COUNT(*) AS TEXT) FROM held_certificates")
            .await;
        assert_eq!(held, "0", "nobody is asked to readmit them either");
    }
);
