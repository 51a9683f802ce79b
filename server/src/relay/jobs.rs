//! What a session asks of the database and of public keys: each job is a task of its own, and its end goes back to the
//! hub. Who is let in is decided by [`session_gate`].

use gangway_protocol::encoding::Base64;
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::session::{Configuration, NONCE_LEN, ServerToDevice, proof_message};
use gangway_protocol::time::UnixMillis;

use super::driver::{Done, Job, Proved, SessionPass};
use super::message::problem;
use crate::db::DbError;
use crate::session_gate::{self, Admission, GateError, Pass, Presented};
use crate::state::Gangway;

/// When a device that met a fault of ours tries again.
const FAULT_RETRY_SECS: u32 = 30;

/// Runs a job to its end.
pub(crate) async fn run(gangway: &Gangway, job: Job) -> Done {
    let result = match job {
        Job::Prove {
            chain,
            signature,
            nonce,
            counter,
        } => prove(gangway, &chain, &signature, &nonce, counter).await,
        Job::Renew {
            pass,
            csr,
            endorsement,
        } => renew(gangway, pass, &csr, &endorsement).await,
        Job::Installed { device, certificate } => session_gate::installed(gangway, &device, &certificate)
            .await
            .map(|()| Done::Quiet),
        Job::Facts { device, facts } => session_gate::set_facts(gangway, &device, &facts)
            .await
            .map(|()| Done::Quiet),
        Job::RaiseCloneAlarm { device } => session_gate::raise_clone_alarm(gangway, &device)
            .await
            .map(|()| Done::Quiet),
    };
    result.unwrap_or_else(|error| Done::Refused(told(error)))
}

async fn prove(
    gangway: &Gangway,
    chain: &str,
    signature: &Base64,
    nonce: &[u8; NONCE_LEN],
    counter: u64,
) -> Result<Done, GateError> {
    let presented = Presented::parse(chain).map_err(GateError::Refused)?;
    // protocol.md §3: the origins that a device may have been configured with, never what the connection says of itself.
    let own = gangway.config.origin();
    let mut origins = gangway.config.device_origins.iter().chain([&own]);
    let proven = origins.any(|origin| {
        let message = proof_message(nonce, origin, presented.sha256());
        presented.said(&message, &signature.0)
    });
    if !proven {
        return Err(GateError::Refused(problem(
            ProblemCode::ProofInvalid,
            format!("The proof does not fit. This server answers to {own}: check the configured URL."),
        )));
    }
    match session_gate::admit(gangway, &presented).await? {
        Admission::Admitted(pass) => {
            session_gate::accept_proof(gangway, &pass, counter).await?;
            Ok(welcome(gangway, pass))
        }
        Admission::Held(held) => {
            session_gate::hold(gangway, &held).await?;
            // protocol.md §3: it waits for an operator and may send nothing.
            Ok(welcome(
                gangway,
                Pass {
                    device: held.device,
                    organisation: held.organisation,
                    certificate: held.certificate,
                    renew_after: UnixMillis(i64::MAX),
                    only: Some(Vec::new()),
                    configuration: Configuration::default(),
                    newest: false,
                },
            ))
        }
    }
}

fn welcome(gangway: &Gangway, pass: Pass) -> Done {
    let message = ServerToDevice::Welcome {
        device: pass.device.clone(),
        organisation: pass.organisation.clone(),
        configuration: pass.configuration,
        renew_after: pass.renew_after,
        server_time: gangway.clock.now(),
        only: pass.only.clone(),
    };
    let proved = |welcome| Proved {
        pass: SessionPass {
            device: pass.device,
            organisation: pass.organisation,
            certificate: pass.certificate,
            only: pass.only,
        },
        newest: pass.newest,
        welcome,
    };
    text(&message).map_or_else(Done::Refused, |text| Done::Proved(Box::new(proved(text))))
}

async fn renew(
    gangway: &Gangway,
    pass: SessionPass,
    csr: &str,
    endorsement: &Base64,
) -> Result<Done, GateError> {
    let pass = Pass {
        device: pass.device,
        organisation: pass.organisation,
        certificate: pass.certificate,
        only: pass.only,
        // What a renewal does not look at.
        renew_after: UnixMillis(0),
        configuration: Configuration::default(),
        newest: true,
    };
    let renewed = session_gate::renew(gangway, &pass, csr, &endorsement.0).await?;
    let message = ServerToDevice::Certificate {
        chain: renewed.chain,
        trust_anchors: renewed.trust_anchors,
    };
    Ok(text(&message).map_or_else(Done::Refused, Done::Send))
}

fn text(message: &ServerToDevice) -> Result<String, Problem> {
    serde_json::to_string(message).map_err(|error| fault(&error))
}

/// An expected refusal as it is; a fault is logged and told as `busy`, because it may pass.
fn told(error: GateError) -> Problem {
    match error {
        GateError::Refused(problem) => problem,
        GateError::Db(DbError::Busy) => Problem {
            retry_after_secs: Some(FAULT_RETRY_SECS),
            ..problem(
                ProblemCode::Busy,
                "The server is busy. Try again in half a minute.",
            )
        },
        error => fault(&error),
    }
}

fn fault(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "a session could not be served");
    Problem {
        retry_after_secs: Some(FAULT_RETRY_SECS),
        ..problem(
            ProblemCode::Busy,
            "The server failed at this, and has logged it. Try again in half a minute.",
        )
    }
}
