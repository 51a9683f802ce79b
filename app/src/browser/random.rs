//! Random bytes of cryptographic quality from `crypto.getRandomValues`.

/// Fills a slice.
///
/// # Panics
/// Where the browser has no random source: nothing on the page could be done safely then.
pub(crate) fn fill(bytes: &mut [u8]) {
    getrandom::getrandom(bytes).expect("every browser that runs WebAssembly has crypto.getRandomValues");
}

/// So many bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}
