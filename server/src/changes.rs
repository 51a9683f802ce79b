//! Changes of the fleet, from where they happen to whoever watches.

/// Passes changes of the fleet on to those who watch it.
#[derive(Default)]
pub struct Changes {}
