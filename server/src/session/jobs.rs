//! The relay's jobs: what its sockets ask of the database and of public keys. Each is a task of its own.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use gangway_protocol::encoding::Base64;
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::id::DeviceId;
use gangway_protocol::session::{Configuration, NONCE_LEN, Series, ServerToDevice, proof_message};
use gangway_protocol::time::UnixMillis;

use super::{Admission, GateError, Pass};
use crate::authority::Error;
use crate::ca::Presented;
use crate::context::Context;
use crate::db::DbError;
use crate::enrolment::unattended;
use crate::limits::Limits;
use crate::measurements::{self, Measurements};
use crate::relay::{Attendance, Done, Job, Jobs, Proved, SessionPass, problem};

/// When a device that met a fault of ours tries again.
const FAULT_RETRY_SECS: u32 = 30;

/// How long after each attempt the next is made to raise an alarm: two minutes and a half in all.
const ALARM_PAUSES: [Duration; 6] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(50),
    Duration::from_secs(60),
];

/// Does the relay's jobs.
pub(crate) struct SessionJobs {
    pub(crate) context: Arc<Context>,
    pub(crate) limits: Limits,
    pub(crate) measurements: Arc<Measurements>,
}

impl Jobs for SessionJobs {
    fn run(&self, job: Job) -> BoxFuture<'static, Done> {
        let (context, measurements) = (self.context.clone(), self.measurements.clone());
        Box::pin(async move { run(&context, &measurements, job).await })
    }

    fn attend(&self, attendance: Attendance) -> BoxFuture<'static, ()> {
        let (context, limits) = (self.context.clone(), self.limits.clone());
        Box::pin(async move { unattended::attend(&context, &limits, attendance).await })
    }
}

async fn run(context: &Context, measurements: &Measurements, job: Job) -> Done {
    let result = match job {
        Job::Prove {
            chain,
            signature,
            nonce,
            counter,
        } => prove(context, &chain, &signature, &nonce, counter).await,
        Job::Renew {
            pass,
            csr,
            endorsement,
        } => renew(context, &pass, &csr, &endorsement).await,
        Job::Installed { device, certificate } => super::installed(context, &device, &certificate)
            .await
            .map(|()| Done::Quiet),
        Job::Facts { device, facts } => super::set_facts(context, &device, &facts)
            .await
            .map(|()| Done::Quiet),
        Job::Measurements { device, series } => keep(context, measurements, &device, &series).await,
        Job::RaiseCloneAlarm { device } => {
            raise_clone_alarm(context, &device).await;
            return Done::Alarmed;
        }
    };
    result.unwrap_or_else(|error| Done::Refused(told(error)))
}

/// Raises the alarm, also while the database is away for a while: nobody else knows of it.
async fn raise_clone_alarm(context: &Context, device: &DeviceId) {
    for pause in ALARM_PAUSES {
        match super::raise_clone_alarm(context, device).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(%device, %error, "a clone alarm could not be raised yet"),
        }
        tokio::time::sleep(pause).await;
    }
    tracing::error!(%device, "two live sessions of one certificate, and no alarm could be raised");
}

async fn prove(
    context: &Context,
    chain: &str,
    signature: &Base64,
    nonce: &[u8; NONCE_LEN],
    counter: u64,
) -> Result<Done, GateError> {
    let presented = Presented::parse(chain)?;
    // protocol.md §3: the origins that a device may have been configured with, never what the connection says of itself.
    let own = context.config.origin();
    let mut origins = context.config.device_origins.iter().chain([&own]);
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
    match super::admit(context, &presented).await? {
        Admission::Admitted(pass) => {
            super::accept_proof(context, &pass, counter).await?;
            Ok(welcome(context, pass))
        }
        Admission::Held(held) => {
            super::hold(context, &held).await?;
            // protocol.md §3: it waits for an operator and may send nothing.
            Ok(welcome(
                context,
                Pass {
                    device: held.device,
                    organisation: held.organisation,
                    certificate: held.certificate,
                    unproven_key: None,
                    renew_after: UnixMillis(i64::MAX),
                    only: Some(Vec::new()),
                    configuration: Configuration::default(),
                    newest: false,
                },
            ))
        }
    }
}

fn welcome(context: &Context, pass: Pass) -> Done {
    let message = ServerToDevice::Welcome {
        device: pass.device.clone(),
        organisation: pass.organisation.clone(),
        configuration: pass.configuration,
        renew_after: pass.renew_after,
        server_time: context.clock.now(),
        only: pass.only.clone(),
    };
    let proved = |welcome| Proved {
        pass: SessionPass {
            device: pass.device,
            certificate: pass.certificate,
            only: pass.only,
        },
        newest: pass.newest,
        welcome,
    };
    text(&message).map_or_else(Done::Refused, |text| Done::Proved(Box::new(proved(text))))
}

async fn renew(
    context: &Context,
    pass: &SessionPass,
    csr: &str,
    endorsement: &Base64,
) -> Result<Done, GateError> {
    let renewed = super::renew(context, &pass.device, &pass.certificate, csr, &endorsement.0).await?;
    let message = ServerToDevice::Certificate {
        chain: renewed.chain,
        trust_anchors: renewed.trust_anchors,
    };
    Ok(text(&message).map_or_else(Done::Refused, Done::Send))
}

/// Keeps what a device has measured. What goes beyond its quota is not kept, and no reason to end its session: it would be
/// offline for the rest of the day.
async fn keep(
    context: &Context,
    measurements: &Measurements,
    device: &DeviceId,
    series: &[Series],
) -> Result<Done, GateError> {
    match measurements::session::record(context, measurements, device, series).await {
        Ok(()) => Ok(Done::Quiet),
        Err(error @ (Error::RateLimited { .. } | Error::NotFound)) => {
            tracing::debug!(%device, %error, "what a device has measured was not kept");
            Ok(Done::Quiet)
        }
        Err(error @ (Error::Busy { .. } | Error::Unavailable(_) | Error::Conflict(_))) => {
            Err(GateError::Refused(Problem {
                retry_after_secs: Some(FAULT_RETRY_SECS),
                ..problem(ProblemCode::Busy, format!("{error}."))
            }))
        }
        Err(error) => Err(GateError::Refused(fault(&error))),
    }
}

fn text(message: &ServerToDevice) -> Result<String, Problem> {
    serde_json::to_string(message).map_err(|error| fault(&error))
}

/// An expected refusal as it is; a fault is logged and told as `busy`, because it may pass.
fn told(error: GateError) -> Problem {
    match error {
        GateError::Refused(problem) => problem,
        GateError::Db(DbError::Busy | DbError::Conflict(_)) => Problem {
            retry_after_secs: Some(FAULT_RETRY_SECS),
            ..problem(
                ProblemCode::Busy,
                "The server is busy. Try again in half a minute.",
            )
        },
        GateError::Db(error @ DbError::Nul) => problem(ProblemCode::Malformed, error.to_string()),
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
