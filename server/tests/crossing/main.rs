//! Crossings on the command line, with the real binaries: `gangway serve`, `gangway-device run`, `gangway link`. What
//! happens when one of them is killed in the middle is told here too.

mod answers;
mod processes;
mod stories;
mod survivals;
