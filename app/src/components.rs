//! What pages and islands are put together from: each receives values and shows them. `confirm` also carries out what it asks.

pub(crate) mod certificate;
pub(crate) mod code_field;
pub(crate) mod confirm;
pub(crate) mod copy;
pub(crate) mod device_state;
pub(crate) mod dialog;
pub(crate) mod facts;
pub(crate) mod flag;
pub(crate) mod icon;
pub(crate) mod icon_button;
pub(crate) mod labels;
pub(crate) mod moment;
pub(crate) mod notice;
pub(crate) mod organisation_links;
pub(crate) mod picture;
pub(crate) mod presence;
pub(crate) mod reason_field;
pub(crate) mod recovery_codes;
pub(crate) mod role;
pub(crate) mod run_command;
pub(crate) mod shown_once;
pub(crate) mod signer_kind;
pub(crate) mod steps;
