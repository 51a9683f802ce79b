//! What a device measures, in its session.

use gangway_protocol::error::ProblemCode;
use gangway_protocol::session::DeviceToServer as InSession;
use gangway_protocol::time::UnixMillis;

use super::{Scene, problem};
use crate::store::Point;
use crate::testing::Peer;

fn point(name: &str, at: i64) -> Point {
    Point {
        name: name.to_owned(),
        at: UnixMillis(at),
        value: 21.5,
    }
}

/// The names of the next frame of measurements.
async fn measured(session: &mut Peer) -> Vec<String> {
    loop {
        if let InSession::Measurements { series } = session.next().await {
            return series.into_iter().map(|series| series.name).collect();
        }
    }
}

#[tokio::test]
async fn what_was_on_its_way_when_the_connection_broke_is_sent_again() {
    let scene = Scene::new().await;
    let (agent, mut session) = scene.enrolled().await;
    agent.measure(&[point("temperature", 1)]).expect("kept");
    assert_eq!(measured(&mut session).await, ["temperature"]);
    drop(session);
    let mut next = scene.relay.accept().await;
    next.welcome().await;
    assert_eq!(measured(&mut next).await, ["temperature"]);
    // It has held for a moment: what comes next comes alone.
    agent.measure(&[point("humidity", 2)]).expect("kept");
    assert_eq!(measured(&mut next).await, ["humidity"]);
}

#[tokio::test]
async fn measurements_that_the_server_refuses_end_one_session_and_not_the_next() {
    let scene = Scene::new().await;
    let (agent, mut session) = scene.enrolled().await;
    agent.measure(&[point("temperature", 1)]).expect("kept");
    assert_eq!(measured(&mut session).await, ["temperature"]);
    session.send(&problem(ProblemCode::Malformed)).await;
    drop(session);
    let mut next = scene.relay.accept().await;
    next.welcome().await;
    agent.measure(&[point("humidity", 2)]).expect("kept");
    assert_eq!(measured(&mut next).await, ["humidity"]);
}
