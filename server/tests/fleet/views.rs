//! Views of the fleet that are kept under a name: whose they are, what they take, and that they show nobody more than they may see.

use gangway_client::{ApiError, IdempotencyKey};
use gangway_protocol::bulk::DeviceFilter;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::saved_view::{MAX_SAVED_VIEWS, SavedView, SavedViewRequest};

use crate::support::both_engines;
use crate::support::member::Member;

fn request(name: &str) -> SavedViewRequest {
    SavedViewRequest {
        name: name.to_owned(),
        filter: DeviceFilter {
            label: Some("hall 3".to_owned()),
            ..DeviceFilter::default()
        },
        organisation: None,
        sort: Some("-last_seen_at".to_owned()),
        shared_in: None,
    }
}

async fn keep(member: &Member, number: u8, request: &SavedViewRequest) -> Result<SavedView, ApiError> {
    member
        .api
        .keep_view(request, &IdempotencyKey::new([number; 16]))
        .await
}

async fn names(member: &Member) -> Vec<(String, bool)> {
    let views = member.api.saved_views().await.expect("views").items;
    views
        .into_iter()
        .map(|view| (view.name, view.removable))
        .collect()
}

both_engines!(
    async fn a_view_is_ones_own_or_shared_with_whoever_sees_that_fleet(server: Server) {
        let home = server.organisation("Works").await;
        let [household, _] = server.grow_tree(&home).await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let vera = server.member(&home, Role::Viewer, "Vera").await;
        let grace = server.member(&home, Role::Admin, "Grace").await;
        let bob = server.member(&household, Role::Operator, "Bob").await;
        let own = keep(&ada, 1, &request("Mine")).await.expect("a view");
        assert_eq!(keep(&ada, 1, &request("Mine")).await.expect("the same"), own);
        let shared = SavedViewRequest {
            shared_in: Some(home.clone()),
            ..request("Everybody's")
        };
        let shared_view = keep(&ada, 2, &shared).await.expect("a view");
        assert_eq!(
            names(&ada).await,
            [("Everybody's".to_owned(), true), ("Mine".to_owned(), true)]
        );
        assert_eq!(names(&vera).await, [("Everybody's".to_owned(), false)]);
        assert_eq!(names(&grace).await, [("Everybody's".to_owned(), true)]);
        assert!(names(&bob).await.is_empty(), "he does not see that fleet");

        let refused = keep(&vera, 3, &shared)
            .await
            .expect_err("who looks shares nothing");
        assert_eq!(refused.code(), Some(ProblemCode::Forbidden));
        let refused = keep(&bob, 4, &shared).await.expect_err("above him");
        assert_eq!(refused.code(), Some(ProblemCode::NotFound));
        for (member, view, code) in [
            (&vera, &shared_view, ProblemCode::Forbidden),
            (&bob, &shared_view, ProblemCode::NotFound),
            (&grace, &own, ProblemCode::NotFound),
        ] {
            let refused = member
                .api
                .remove_saved_view(&view.id)
                .await
                .expect_err("not theirs");
            assert_eq!(refused.code(), Some(code));
        }
        grace
            .api
            .remove_saved_view(&shared_view.id)
            .await
            .expect("an admin may");
        ada.api.remove_saved_view(&own.id).await.expect("it is hers");
        assert!(names(&ada).await.is_empty());
    }
);

both_engines!(
    async fn what_no_list_would_take_is_no_view_and_there_are_only_so_many(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let odd_order = SavedViewRequest {
            sort: Some("age".to_owned()),
            ..request("Odd")
        };
        let odd_state = SavedViewRequest {
            filter: DeviceFilter {
                state: Some("happy".to_owned()),
                ..DeviceFilter::default()
            },
            ..request("Odd")
        };
        for (field, request) in [("sort", odd_order), ("state", odd_state), ("name", request(" "))] {
            let refused = keep(&ada, 200, &request).await.expect_err(field);
            assert_eq!(
                (refused.code(), refused.field()),
                (Some(ProblemCode::Invalid), Some(field))
            );
        }
        for number in 0..u8::try_from(MAX_SAVED_VIEWS).expect("few") {
            keep(&ada, number, &request("View")).await.expect("a view");
        }
        let refused = keep(&ada, 201, &request("One more")).await.expect_err("too many");
        assert_eq!(refused.code(), Some(ProblemCode::Conflict));
    }
);
