//! Floods: whoever sends more than a crossing or a session takes is told so and closed, and what stays incomplete has its time.

use gangway_protocol::time::UnixMillis;

use super::socket::{ENROLMENT, SESSION, Socket, masked};
use crate::support::{Engine, Server};

/// Frames that are more than any connection may send at once.
const FLOOD: usize = 3_200;

/// Each kind of flood: a name, what comes before it, and the frame that comes again and again.
fn floods() -> [(&'static str, Vec<u8>, Vec<u8>); 5] {
    let fragment = masked(false, 0x1, b"{");
    [
        ("pings", Vec::new(), masked(true, 0x9, b"")),
        ("pongs", Vec::new(), masked(true, 0xa, b"")),
        ("longest pings", Vec::new(), masked(true, 0x9, &[7; 125])),
        ("fragments of a byte", fragment.clone(), masked(false, 0x0, b" ")),
        ("empty continuations", fragment, masked(false, 0x0, b"")),
    ]
}

async fn ends_with_a_reason(mut socket: Socket, what: &str) {
    let problem = socket.problem().await;
    assert_eq!(problem["code"], "rate_limited", "{what}");
    assert!(
        problem["retry_after_secs"].as_u64().is_some(),
        "{what}: {problem}"
    );
}

/// Threat model: ENR-23.
#[tokio::test]
async fn a_flood_of_frames_of_any_kind_ends_with_a_reason() {
    let server = Server::start(Engine::Sqlite).await;
    let spawned = server.spawn();
    for (kind, first, again) in floods() {
        let flood = [first, again.repeat(FLOOD)].concat();
        for role in ["device before hello", "waiting device", "session before proof"] {
            let mut socket = match role {
                "device before hello" => Socket::open(&spawned, ENROLMENT).await,
                "waiting device" => Socket::wait(&spawned).await.0,
                _ => {
                    let mut socket = Socket::open(&spawned, SESSION).await;
                    socket.hear_a("challenge").await;
                    socket
                }
            };
            socket.send_raw(&flood).await;
            ends_with_a_reason(socket, &format!("{kind} of a {role}")).await;
        }
    }
}

#[tokio::test]
async fn a_claimant_that_floods_ends_its_claim() {
    let server = Server::start(Engine::Sqlite).await;
    let token = server.enrol_token().await;
    let spawned = server.spawn();
    let (mut device, mut claimant, claim) = super::claims::crossing(&spawned, &token).await;
    claimant.send_raw(&masked(true, 0x9, b"").repeat(FLOOD)).await;
    ends_with_a_reason(claimant, "a claimant").await;
    let closed = device.hear_a("closed").await;
    assert_eq!((&closed["claim"], &closed["reason"]), (&claim, &"left".into()));
}

/// Threat model: ENR-23.
#[tokio::test]
async fn an_address_that_floods_is_refused_and_comes_back_later() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.caps.frames_per_second_per_address = 400;
    })
    .await;
    let spawned = server.spawn();
    let flood = masked(true, 0x9, b"").repeat(FLOOD);
    for _ in 0..2 {
        let mut socket = Socket::open(&spawned, ENROLMENT).await;
        socket.send_raw(&flood).await;
        ends_with_a_reason(socket, "a flood").await;
    }
    let refused = Socket::open(&spawned, ENROLMENT).await;
    ends_with_a_reason(refused, "a further connection").await;
    server.clock.advance(10 * UnixMillis::SECOND);
    Socket::wait(&spawned).await;
}

/// Threat model: ENR-23.
#[tokio::test]
async fn of_many_pings_the_newest_is_answered() {
    let server = Server::start(Engine::Sqlite).await;
    let spawned = server.spawn();
    let (mut device, _) = Socket::wait(&spawned).await;
    let pings: Vec<u8> = (0..500_u16)
        .flat_map(|number| masked(true, 0x9, &number.to_be_bytes()))
        .collect();
    device.send_raw(&pings).await;
    let mut answers = Vec::new();
    while answers.last() != Some(&499_u16.to_be_bytes().to_vec()) {
        answers.push(device.hear_a_pong().await);
    }
    assert!(answers.len() < 250, "{} answers to 500 pings", answers.len());
    assert!(answers.is_sorted(), "in the order of the pings");
}

/// Threat model: ENR-23.
#[tokio::test]
async fn a_message_that_stays_incomplete_is_not_waited_for() {
    let server = Server::start(Engine::Sqlite).await;
    let spawned = server.spawn();
    let half = |bytes: Vec<u8>| [masked(true, 0x9, b"here"), bytes].concat();
    let frame = masked(true, 0x1, br#"{"type":"replace","reason":"asked"}"#);
    for bytes in [frame[..9].to_vec(), masked(false, 0x1, b"{")] {
        let (mut device, _) = Socket::wait(&spawned).await;
        device.send_raw(&half(bytes)).await;
        device.hear_a_pong().await;
        server.clock.advance(29 * UnixMillis::SECOND);
        server.tick_relay().await;
        server.clock.advance(UnixMillis::SECOND);
        server.tick_relay().await;
        assert_eq!(device.problem().await["code"], "timeout");
    }
}

#[tokio::test]
async fn a_message_may_come_byte_by_byte() {
    let server = Server::start(Engine::Sqlite).await;
    let spawned = server.spawn();
    let (mut device, first) = Socket::wait(&spawned).await;
    for byte in masked(true, 0x1, br#"{"type":"replace","reason":"asked"}"#) {
        device.send_raw(&[byte]).await;
    }
    assert_ne!(device.hear_a("nameplate").await["nameplate"], first["nameplate"]);
}

#[tokio::test]
async fn a_jump_of_the_wall_clock_closes_nothing_and_keeps_nothing_alive() {
    let server = Server::start(Engine::Sqlite).await;
    let token = server.enrol_token().await;
    let spawned = server.spawn();
    let (mut device, mut claimant, _) = super::claims::crossing(&spawned, &token).await;
    let (mut waiting, nameplate) = Socket::wait(&spawned).await;
    for jump in [UnixMillis::DAY, -2 * UnixMillis::DAY] {
        server.clock.shift_wall(jump);
        server.tick_relay().await;
        for socket in [&mut device, &mut claimant, &mut waiting] {
            socket.send_raw(&masked(true, 0x9, b"alive")).await;
            assert_eq!(socket.hear_a_pong().await, b"alive", "{jump}");
        }
    }
    let silent = Socket::open(&spawned, ENROLMENT).await;
    let mut late = Socket::open(&spawned, SESSION).await;
    late.hear_a("challenge").await;
    server.clock.shift_wall(-UnixMillis::DAY);
    server.clock.advance(10 * UnixMillis::SECOND);
    server.tick_relay().await;
    for mut socket in [silent, late] {
        assert_eq!(socket.problem().await["code"], "timeout");
    }
    // The waiting device's code ends by the time that passed, whatever the wall clock says.
    waiting.vanish();
    server.clock.advance(600 * UnixMillis::SECOND);
    let mut again = Socket::open(&spawned, ENROLMENT).await;
    again
        .say(serde_json::json!({"type": "hello", "agent": "test", "resume": nameplate["resume"]}))
        .await;
    assert_ne!(
        again.hear_a("nameplate").await["nameplate"],
        nameplate["nameplate"]
    );
}
