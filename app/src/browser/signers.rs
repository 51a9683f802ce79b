//! Takes the steps of signers. The build puts the code of those elsewhere into a file of its own, which is loaded when it is needed.

use gangway_signing::{Advance, Advanced};
use leptos::prelude::*;

use super::{clock, wallet};

/// Takes a signer's step.
pub(super) async fn advance(advance: Box<Advance>) -> Advanced {
    match advance.take_builtin() {
        Ok(advanced) => advanced,
        Err(advance) => advance_elsewhere(*advance).await,
    }
}

#[lazy]
fn advance_elsewhere(advance: Advance) -> Advanced {
    wallet::with(|wallet| advance.take(wallet, clock::now()))
}
