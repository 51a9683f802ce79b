//! A sign-in for a signer, from the terminal: the person goes to the authority with a browser of this machine, which comes back to
//! a port of it (RFC 8252 §7.3).

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::response::Html;
use axum::routing::get;
use gangway_client::Api;
use gangway_protocol::path::page;
use gangway_protocol::signer::Signer;
use gangway_signing::{NoAnswer, Redirect, Returned, SignIn, SignInError, SignInStep, Wallet};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::exit::Exit;
use super::report::Report;
use crate::clock::{Clock as _, SystemClock};
use crate::rng::{Random as _, SystemRandom};

/// People look for a password, and for a second factor.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// Signs in, and puts what comes of it into the wallet. False where the signer has no sign-in.
pub(super) async fn sign_in(
    signer: &Signer,
    port: u16,
    api: &Api,
    report: &Report,
    wallet: &mut Wallet,
) -> Result<bool, Exit> {
    let unheard = |error: &dyn std::fmt::Display| {
        Exit::usage(format!(
            "Port {port} of 127.0.0.1, to which the browser comes back, cannot be used: {error}. Choose another one with --sign-in-port."
        ))
    };
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .map_err(|error| unheard(&error))?;
    let port = listener.local_addr().map_err(|error| unheard(&error))?.port();
    let redirect = Redirect {
        uri: format!("http://127.0.0.1:{port}{}", page::signed_in(&signer.id)),
        reads_fragment: false,
    };
    let Some((mut sign_in, mut step)) = SignIn::begin(signer, redirect, |bytes| SystemRandom.fill(bytes))
    else {
        return Ok(false);
    };
    let (heard, mut returns) = mpsc::channel(4);
    let pages = Router::new()
        .route(&page::signed_in(&signer.id), get(hear))
        .with_state(Arc::new(heard));
    let serving = tokio::spawn(async move { axum::serve(listener, pages).await });
    let outcome = loop {
        let next = match step {
            SignInStep::Done => break Ok(true),
            SignInStep::Send(sending) => {
                let answer = api.carry(*sending).await.map_err(|error| NoAnswer {
                    detail: error.cause(),
                });
                sign_in.answer(answer, wallet, SystemClock.now())
            }
            SignInStep::Visit { url } => {
                report.visit(&signer.name, &url);
                match timeout(PATIENCE, back(&mut sign_in, &mut returns)).await {
                    Ok(next) => next,
                    Err(_) => break Err(Exit::signing("Nobody signed in within five minutes.".to_owned())),
                }
            }
        };
        match next {
            Ok(next) => step = next,
            Err(error) => {
                break Err(Exit::signing(format!(
                    "The sign-in for “{}” failed: {error}.",
                    signer.name
                )));
            }
        }
    };
    serving.abort();
    outcome
}

/// Waits for somebody who comes back from this sign-in: anything on this machine can open the port.
async fn back(sign_in: &mut SignIn, returns: &mut mpsc::Receiver<String>) -> Result<SignInStep, SignInError> {
    while let Some(returned) = returns.recv().await {
        match sign_in.returned(&Returned::read(&returned)) {
            Err(SignInError::OtherSignIn) => {}
            next => return next,
        }
    }
    std::future::pending().await
}

async fn hear(
    State(heard): State<Arc<mpsc::Sender<String>>>,
    OriginalUri(uri): OriginalUri,
) -> Html<&'static str> {
    // Whoever floods the port waits, and holds up nobody who comes later for long.
    let _ = heard.send(uri.to_string()).await;
    Html(
        "<!DOCTYPE html><meta charset=\"utf-8\"><title>Gangway</title><p>Go back to the terminal: it goes on there. This window can be closed.</p>",
    )
}
