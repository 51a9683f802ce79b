//! Crossings on the command line, with the real binaries: `gangway serve`, `gangway-device run`, `gangway link`. What
//! happens when one of them is killed in the middle is told here too, and what programs of others make of the server.

mod answers;
mod clients;
mod foreign_devices;
mod measuring;
mod processes;
mod stories;
mod survivals;
