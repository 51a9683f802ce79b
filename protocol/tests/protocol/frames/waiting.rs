//! Between a waiting device and the server.

use gangway_protocol::enrolment::{ClosedReason, DeviceToServer, Outcome, ReplaceReason, ServerToDevice};
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::permit::Lookup;

use super::{NOW, Pinned, base64, claim, text};

pub(super) fn device_to_server() -> Pinned<DeviceToServer> {
    vec![
        (
            DeviceToServer::Hello {
                agent: text("gangway-device/0.1.0 (linux x86_64)"),
                resume: None,
                lookup: None,
            },
            r#"{"type":"hello","agent":"gangway-device/0.1.0 (linux x86_64)"}"#,
        ),
        (
            DeviceToServer::Hello {
                agent: text("gangway-device/0.1.0 (linux x86_64)"),
                resume: Some(text("AWZ1bGwtYW5kLWJ5LXRoZS13aW5k")),
                lookup: None,
            },
            r#"{"type":"hello","agent":"gangway-device/0.1.0 (linux x86_64)","resume":"AWZ1bGwtYW5kLWJ5LXRoZS13aW5k"}"#,
        ),
        (
            DeviceToServer::Hello {
                agent: text("gangway-device/0.1.0 (linux x86_64)"),
                resume: None,
                lookup: Some(Lookup::Key(text("HQ481047"))),
            },
            r#"{"type":"hello","agent":"gangway-device/0.1.0 (linux x86_64)","lookup":{"key":"HQ481047"}}"#,
        ),
        (
            DeviceToServer::Hello {
                agent: text("gangway-device/0.1.0 (linux x86_64)"),
                resume: None,
                lookup: Some(Lookup::Device(text("thermometer-7"))),
            },
            r#"{"type":"hello","agent":"gangway-device/0.1.0 (linux x86_64)","lookup":{"device":"thermometer-7"}}"#,
        ),
        (
            DeviceToServer::Decline {
                claim: claim(),
                code: ProblemCode::Busy,
            },
            r#"{"type":"decline","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","code":"busy"}"#,
        ),
        (
            DeviceToServer::Answer {
                claim: claim(),
                pake: base64("QRfLGTN1V3MfovZsdFmEhze3pzgsKwOBWx+Hkp9Xec9u"),
                confirm: base64("327AHoAyKtKnsmGZDZ7e1C5Gi8kVXdVInnc43haDyLQ="),
            },
            r#"{"type":"answer","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","pake":"QRfLGTN1V3MfovZsdFmEhze3pzgsKwOBWx+Hkp9Xec9u","confirm":"327AHoAyKtKnsmGZDZ7e1C5Gi8kVXdVInnc43haDyLQ="}"#,
        ),
        (
            DeviceToServer::Sealed {
                claim: claim(),
                sealed: base64("xmdzyu3AwJh9WKLPlsqh3VTalZvNGTYcYu4eU7a6nE5sxRR4sNih9vfwyX1sLJ3rqDw="),
            },
            r#"{"type":"sealed","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","box":"xmdzyu3AwJh9WKLPlsqh3VTalZvNGTYcYu4eU7a6nE5sxRR4sNih9vfwyX1sLJ3rqDw="}"#,
        ),
        (
            DeviceToServer::Outcome {
                claim: claim(),
                outcome: Outcome::Enrolled,
            },
            r#"{"type":"outcome","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","outcome":"enrolled"}"#,
        ),
        (
            DeviceToServer::Replace {
                reason: ReplaceReason::Expired,
            },
            r#"{"type":"replace","reason":"expired"}"#,
        ),
    ]
}

pub(super) fn server_to_device() -> Pinned<ServerToDevice> {
    vec![
        (
            ServerToDevice::Nameplate {
                nameplate: "BCDF".parse().expect("a nameplate"),
                expires_in_secs: 600,
                verification_uri: text("https://panel.example/link"),
                resume: text("AWZ1bGwtYW5kLWJ5LXRoZS13aW5k"),
                server_time: NOW,
            },
            r#"{"type":"nameplate","nameplate":"BCDF","expires_in_secs":600,"verification_uri":"https://panel.example/link","resume":"AWZ1bGwtYW5kLWJ5LXRoZS13aW5k","server_time":1790000000000}"#,
        ),
        (
            ServerToDevice::Claim {
                claim: claim(),
                nameplate: "BCDF".parse().expect("a nameplate"),
                pake: base64("QjO1tIvkt19SL6X8ARLHWvPmCK4qhaDS1X9EOK9/hv17"),
            },
            r#"{"type":"claim","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","nameplate":"BCDF","pake":"QjO1tIvkt19SL6X8ARLHWvPmCK4qhaDS1X9EOK9/hv17"}"#,
        ),
        (
            ServerToDevice::Confirm {
                claim: claim(),
                confirm: base64("gaKTPhZtQyP+HpU1xczNyasL2SZ/ROt9H3xjczNwa4g="),
            },
            r#"{"type":"confirm","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","confirm":"gaKTPhZtQyP+HpU1xczNyasL2SZ/ROt9H3xjczNwa4g="}"#,
        ),
        (
            ServerToDevice::Sealed {
                claim: claim(),
                sealed: base64(
                    "mO0GU58tYc2aF1BXrb5vqRWHWOEsAn4Qrry5ggYLNLJmE15x9BDrKC+hDEvM+/1zTP6AVVRi+K9sMusederdkgp2WanxbJvD",
                ),
            },
            r#"{"type":"sealed","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","box":"mO0GU58tYc2aF1BXrb5vqRWHWOEsAn4Qrry5ggYLNLJmE15x9BDrKC+hDEvM+/1zTP6AVVRi+K9sMusederdkgp2WanxbJvD"}"#,
        ),
        (
            ServerToDevice::Approval {
                claim: claim(),
                organisation: text("Harbour Works"),
                approver: text("Ada Lindqvist"),
            },
            r#"{"type":"approval","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","organisation":"Harbour Works","approver":"Ada Lindqvist"}"#,
        ),
        (
            ServerToDevice::Closed {
                claim: claim(),
                reason: ClosedReason::Left,
            },
            r#"{"type":"closed","claim":"clm_01jd8r3k5m7n9p1q3s5t7v9x1z","reason":"left"}"#,
        ),
        (
            ServerToDevice::Problem(Problem {
                code: ProblemCode::Timeout,
                message: text("no hello within 10 seconds"),
                retry_after_secs: None,
            }),
            r#"{"type":"problem","code":"timeout","message":"no hello within 10 seconds"}"#,
        ),
    ]
}
