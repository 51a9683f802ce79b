//! Who calls, what they may do, and why something is refused. Every service asks here, whatever language the request came in.

mod by_admin;
mod caller;
pub mod cookie;
mod error;
pub mod identify;
mod name;
mod place;
mod rights;
pub mod secret;

pub use by_admin::ByAdmin;
pub use caller::{Caller, Credential, FRESH_FOR, Means, Member, Proof};
pub use error::{Error, Result};
pub use name::{MAX_NAME_LEN, fit_name};
pub use place::{hold_as, open_place};
pub use rights::Right;
