//! A redeemed claim between two lean sockets: the real handshake, then sealed frames.

use anyhow::Context as _;
use gangway_protocol::code::{Nameplate, UserCode, draw_secret};
use gangway_protocol::enrolment::{CLAIM_SUBPROTOCOL, ENROLMENT_SUBPROTOCOL};
use gangway_protocol::id::ClaimId;
use gangway_protocol::{path, seal};
use rand_core::{OsRng, RngCore as _};

use crate::server::Server;
use crate::socket::Socket;

/// Both ends of a claim on which sealed frames flow.
pub(crate) struct Claim {
    /// The device's socket.
    pub(crate) device: Socket,
    /// The claimant's socket.
    pub(crate) claimant: Socket,
    /// Its id.
    pub(crate) id: String,
}

/// A waiting device: after its hello, with its nameplate.
pub(crate) async fn wait(server: &Server) -> anyhow::Result<(Socket, Nameplate)> {
    let mut socket = Socket::open(
        server.address,
        path::ENROLMENT_SOCKET,
        ENROLMENT_SUBPROTOCOL,
        None,
    )
    .await?;
    socket
        .send(r#"{"type":"hello","agent":"gangway-bench/0.1.0 (linux)"}"#)
        .await?;
    let nameplate = socket.receive_type("nameplate").await?;
    let nameplate = nameplate["nameplate"].as_str().context("no nameplate")?.parse()?;
    Ok((socket, nameplate))
}

/// Opens a claim and redeems it: the device's first sealed frame has been relayed.
pub(crate) async fn redeem(server: &Server, token: &str) -> anyhow::Result<Claim> {
    let fill = |bytes: &mut [u8]| OsRng.fill_bytes(bytes);
    let (mut device, nameplate) = wait(server).await?;
    let code = UserCode::from_parts(&nameplate, &draw_secret(fill));
    let mut claimant = Socket::open(
        server.address,
        &path::claim_socket(&nameplate),
        CLAIM_SUBPROTOCOL,
        Some(token),
    )
    .await?;
    let (side_b, pake) = seal::Claimant::start(&code, fill);
    claimant
        .send(&serde_json::json!({"type": "claim", "pake": pake}).to_string())
        .await?;
    let id = claimant.receive_type("accepted").await?["claim"]
        .as_str()
        .context("no claim id")?
        .to_owned();
    let claim: ClaimId = id.parse()?;

    let asked = device.receive_type("claim").await?;
    let (side_a, answer) = seal::Device::answer(
        &code,
        &claim,
        &serde_json::from_value(asked["pake"].clone())?,
        fill,
    )?;
    device.send(&serde_json::json!({"type": "answer", "claim": id, "pake": answer.pake, "confirm": answer.confirm}).to_string()).await?;
    let answer = claimant.receive_type("answer").await?;
    let answer = seal::Answer {
        pake: serde_json::from_value(answer["pake"].clone())?,
        confirm: serde_json::from_value(answer["confirm"].clone())?,
    };
    let (_channel, confirm) = side_b.on_answer(&claim, &answer)?;
    claimant
        .send(&serde_json::json!({"type": "confirm", "claim": id, "confirm": confirm}).to_string())
        .await?;
    let confirm = device.receive_type("confirm").await?;
    let mut channel = side_a.on_confirm(&serde_json::from_value(confirm["confirm"].clone())?)?;

    let sealed = channel.seal(&serde_json::json!({"type": "introduction"}))?;
    device
        .send(&sealed_frame(&id, &serde_json::to_string(&sealed)?))
        .await?;
    // The relay adds its `context` after the first sealed frame, in either order.
    for _ in 0..2 {
        claimant.receive().await?;
    }
    Ok(Claim { device, claimant, id })
}

/// A `sealed` frame around base64 text in quotes.
pub(crate) fn sealed_frame(claim: &str, quoted: &str) -> String {
    format!(r#"{{"type":"sealed","claim":"{claim}","box":{quoted}}}"#)
}
