//! Credentials for signers elsewhere, in this page's memory alone, across its crossings. They go with the page.

use std::cell::RefCell;

use gangway_signing::Wallet;

thread_local! {
    static WALLET: RefCell<Wallet> = RefCell::default();
}

/// Does something with the wallet.
pub(crate) fn with<R>(work: impl FnOnce(&mut Wallet) -> R) -> R {
    WALLET.with_borrow_mut(work)
}
