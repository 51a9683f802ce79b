//! Addresses of plgd clients that were used in this browser lately, in its own store: nothing secret, and nothing of it comes to
//! our server.

use super::page;

const CLIENTS: &str = "gangway-plgd-clients";
/// Most that are kept.
const MOST: usize = 5;

/// The addresses, the latest first.
pub(crate) fn clients() -> Vec<String> {
    let kept = page::storage().and_then(|storage| storage.get_item(CLIENTS).ok().flatten());
    kept.unwrap_or_default()
        .lines()
        .take(MOST)
        .map(str::to_owned)
        .collect()
}

/// Puts an address in front of the others.
pub(crate) fn remember_client(address: &str) {
    let mut kept = clients();
    kept.retain(|other| other != address);
    kept.insert(0, address.to_owned());
    kept.truncate(MOST);
    if let Some(storage) = page::storage() {
        // A browser that keeps nothing forgets it with the page.
        let _ = storage.set_item(CLIENTS, &kept.join("\n"));
    }
}

/// Forgets all of them.
pub(crate) fn forget_clients() {
    if let Some(storage) = page::storage() {
        let _ = storage.remove_item(CLIENTS);
    }
}
