//! The command line of the binary `gangway`.

pub mod backup;
pub mod link;
pub mod restore;
