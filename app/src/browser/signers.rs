//! Signers elsewhere, as far as the browser has to do with them: their credentials, in this page's memory alone, and their code,
//! which the build puts into a file of its own that is loaded when it is needed.

use std::cell::RefCell;

use gangway_signing::{Advance, Advanced, Wallet};
use leptos::prelude::*;

use super::clock;

thread_local! {
    /// Credentials across the crossings of this page. They go with it.
    static WALLET: RefCell<Wallet> = RefCell::default();
}

/// Does something with the wallet.
pub(crate) fn with_wallet<R>(work: impl FnOnce(&mut Wallet) -> R) -> R {
    WALLET.with_borrow_mut(work)
}

/// Takes a signer's step.
pub(super) async fn advance(advance: Box<Advance>) -> Advanced {
    match advance.take_builtin() {
        Ok(advanced) => advanced,
        Err(advance) => advance_elsewhere(*advance).await,
    }
}

#[lazy]
fn advance_elsewhere(advance: Advance) -> Advanced {
    with_wallet(|wallet| advance.take(wallet, clock::now()))
}
